/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/msgs.h"

static enum err read_file(char **out, size_t *len, const char *file)
{
	int fd OWNED(base_closep) = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return ERR_SYS;
	if (!S_ISREG(st.st_mode) || (size_t)st.st_size > GENERATION_TEXT_MAX) {
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
		return ERR_SYS;
	}
	char *text OWNED(base_freep) = malloc(GENERATION_TEXT_MAX + 1);
	if (text == nullptr)
		return ERR_NOMEM;
	size_t have = 0;
	for (ssize_t n; have <= GENERATION_TEXT_MAX; have += (size_t)n) {
		n = read(fd, text + have, GENERATION_TEXT_MAX + 1 - have);
		if (n < 0)
			return ERR_SYS;
		if (n == 0)
			break;
	}
	*out = TAKE(text);
	*len = have;
	return ERR_OK;
}

static int seal(const char *text, size_t len)
{
	int fd = memfd_create("ocserv-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd >= 0 &&
	    (write(fd, text, len) != (ssize_t)len || fchmod(fd, 0400) != 0 ||
	     fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0))
		base_closep(&fd);
	return fd;
}

static char *join(const struct config_report *r)
{
	size_t cap = 1;
	for (size_t i = 0; i < r->n; i++)
		cap += strlen(r->v[i].text) + 1;
	char *all = calloc(1, cap), *at = all;
	for (size_t i = 0; all != nullptr && i < r->n; i++) {
		at = stpcpy(at, r->v[i].text);
		*at++ = '\n';
	}
	return all;
}

static char *cannot_read(const char *file)
{
	char *text = nullptr;
	if (asprintf(&text, "%s: error: cannot be read: %s\n", file, strerror(errno)) < 0)
		return nullptr;
	return text;
}

enum err generation_load(struct generation *out, const char *file, uint32_t number, char **problems)
{
	char *text OWNED(base_freep) = nullptr;
	size_t len = 0;
	struct config_report report OWNED(config_report_fini) = { 0 };
	*problems = nullptr;
	enum err e = read_file(&text, &len, file);
	if (e != ERR_OK) {
		*problems = cannot_read(file);
		return e;
	}
	struct generation g = { .number = number, .text = -1, .geo = { .fd = -1 }, .profiles = { .fd = -1 } };
	e = config_parse(&g.config, file, text, len, &report);
	*problems = join(&report);
	if (e != ERR_OK)
		return e;
	g.text = seal(text, len);
	explicit_bzero(text, len);
	if (g.text < 0) {
		generation_fini(&g);
		return ERR_SYS;
	}
	*out = g;
	return ERR_OK;
}

void generation_fini(struct generation *g)
{
	if (g->number == 0)
		return;
	config_put(g->config);
	base_closep(&g->text);
	free(g->certs);
	geofilter_fini(&g->geo);
	profiles_fini(&g->profiles);
	*g = (struct generation){ .text = -1, .geo = { .fd = -1 }, .profiles = { .fd = -1 } };
}

enum err generation_load_profiles(struct generation *g, int folder, char **problem)
{
	*problem = nullptr;
	TRY(geofilter_load(&g->geo, g->config, folder, problem));
	return profiles_load(&g->profiles, g->config, folder, problem);
}

int generation_text_fd(const struct generation *g)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", g->text);
	return open(path, O_RDONLY | O_CLOEXEC);
}

enum err generation_set_certs(struct generation *g, const Msg__Certs *certs)
{
	size_t len = msg__certs__get_packed_size(certs);
	uint8_t *bytes = malloc(len + 1);
	if (bytes == nullptr)
		return ERR_NOMEM;
	msg__certs__pack(certs, bytes);
	free(g->certs);
	g->certs = bytes;
	g->certs_len = len;
	return ERR_OK;
}

Msg__Certs *generation_certs(const struct generation *g)
{
	return g->certs == nullptr ? nullptr : msg__certs__unpack(nullptr, g->certs_len, g->certs);
}

bool generation_same_certs(const struct generation *g, const Msg__Certs *certs)
{
	size_t len = msg__certs__get_packed_size(certs);
	uint8_t *bytes OWNED(base_freep) = malloc(len + 1);
	if (bytes == nullptr || g->certs == nullptr || len != g->certs_len)
		return false;
	msg__certs__pack(certs, bytes);
	return memcmp(bytes, g->certs, len) == 0;
}

static const char *nth(const struct strlist *l, uint32_t n)
{
	return n < l->n ? l->v[n] : nullptr;
}

static const char *of_method(const struct vhost *v, uint32_t index, const char *arg)
{
	const struct auth_method *m = config_vhost_method(v, index);
	return m != nullptr ? config_auth_arg(m, arg) : nullptr;
}

const char *generation_file(const struct generation *g, const Msg__FileGet *want)
{
	if (want->vhost >= g->config->vhosts_n)
		return nullptr;
	const struct vhost *v = &g->config->vhosts[want->vhost];
	switch (want->kind) {
	case FILE_SERVER_CERT: return nth(&v->server_cert, want->index);
	case FILE_SERVER_KEY: return nth(&v->server_key, want->index);
	case FILE_PASSWD: return of_method(v, want->index, "passwd");
	case FILE_OTP: return of_method(v, want->index, "otp");
	case FILE_CA: return want->index == 0 ? v->ca_cert : nullptr;
	case FILE_CRL: return want->index == 0 ? v->crl : nullptr;
	case FILE_OCSP: return want->index == 0 ? v->ocsp_response : nullptr;
	default: return nullptr; /* a number from another process, not an enum of ours */
	}
}
