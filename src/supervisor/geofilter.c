/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/geofilter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/geo.h"
#include "supervisor/geodb.h"

constexpr size_t FILE_MAX = 64 * 1024 * 1024;

static enum err read_all(int fd, char *out, size_t len)
{
	for (size_t have = 0; have < len;) {
		ssize_t n = read(fd, out + have, len - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_SYS; /* it became shorter while it was read */
		have += (size_t)n;
	}
	return ERR_OK;
}

static enum err read_file(int folder, const char *path, char **out, size_t *len)
{
	struct stat st;
	/* not blocked by a FIFO in the place of the file */
	int fd OWNED(base_closep) = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0)
		return ERR_SYS;
	if (!S_ISREG(st.st_mode) || (size_t)st.st_size > FILE_MAX) {
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
		return ERR_SYS;
	}
	char *text OWNED(base_freep) = malloc((size_t)st.st_size + 1);
	if (text == nullptr)
		return ERR_NOMEM;
	TRY(read_all(fd, text, (size_t)st.st_size));
	*out = TAKE(text);
	*len = (size_t)st.st_size;
	return ERR_OK;
}

/* What could not be read, in the words of a list that could not be parsed. */
static enum err unreadable(struct geo *g, const char *by, uint32_t line, const char *path)
{
	const char *why = strerror(errno);
	if (line > 0)
		snprintf(g->why, sizeof g->why, "%s:%u: %s: %s; correct the path or the file's rights", by,
			 line, path, why);
	else
		snprintf(g->why, sizeof g->why, "%s: %s; correct the path of geofilter or the file's rights",
			 path, why);
	return ERR_CONFIG;
}

static enum err read_config(struct geo *g, int folder, const char *path)
{
	char *text OWNED(base_freep) = nullptr;
	size_t len = 0;
	enum err e = read_file(folder, path, &text, &len);
	return e == ERR_SYS ? unreadable(g, path, 0, path) : e != ERR_OK ? e : geo_read(g, path, text, len);
}

static enum err read_list(struct geo *g, int folder, const char *by, const struct geo_file *f)
{
	char *text OWNED(base_freep) = nullptr;
	size_t len = 0;
	enum trie_verdict verdict = (enum trie_verdict)g->verdicts[f->country];
	if (verdict == TRIE_NONE)
		return ERR_OK; /* nobody speaks of that country */
	enum err e = read_file(folder, f->path, &text, &len);
	return e == ERR_SYS  ? unreadable(g, by, f->line, f->path)
	       : e != ERR_OK ? e
			     : geo_read_prefixes(g, f->path, text, len, verdict);
}

/* A country that is spoken of and of which nothing is known would be blocked, or let in, only on paper. */
static enum err check_known(struct geo *g, const char *by)
{
	bool has[GEO_COUNTRIES] = {};
	if (g->database != nullptr)
		return ERR_OK;
	for (size_t i = 0; i < g->files_n; i++)
		has[g->files[i].country] = true;
	for (unsigned i = 0; i < GEO_COUNTRIES; i++)
		if (g->verdicts[i] != TRIE_NONE && !has[i]) {
			snprintf(
				g->why, sizeof g->why,
				"%s: the prefixes of country %c%c are not known; add country-database, or country-prefixes %c%c FILE",
				by, 'A' + i / 26, 'A' + i % 26, 'A' + i / 26, 'A' + i % 26);
			return ERR_CONFIG;
		}
	return ERR_OK;
}

static enum err read_everything(struct geo *g, int folder, const char *path)
{
	TRY(read_config(g, folder, path));
	TRY(check_known(g, path));
	for (size_t i = 0; i < g->files_n; i++)
		TRY(read_list(g, folder, path, &g->files[i]));
	return g->database != nullptr ? geodb_read(g, folder, path) : ERR_OK;
}

static enum err write_all(int fd, const uint8_t *p, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, p + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_SYS;
		done += (size_t)n;
	}
	return ERR_OK;
}

static enum err seal(struct geofilter *out, struct geo *g)
{
	void *piece OWNED(base_freep) = nullptr;
	out->prefixes_n = g->trie.prefixes_n;
	TRY(trie_finish(&g->trie, &piece, &out->len));
	int fd OWNED(base_closep) = memfd_create("ocserv-geofilter", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return ERR_SYS;
	TRY(write_all(fd, piece, out->len));
	/* mode 0400: no child can open it again through /proc for writing */
	if (fchmod(fd, 0400) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return ERR_SYS;
	out->fd = fd;
	fd = -1;
	return ERR_OK;
}

enum err geofilter_load(struct geofilter *out, const struct config *cfg, int folder, char **problem)
{
	*out = (struct geofilter){ .fd = -1 };
	if (cfg->geofilter == nullptr)
		return ERR_OK;
	struct geo *g OWNED(base_freep) = malloc(sizeof *g);
	if (g == nullptr)
		return ERR_NOMEM;
	enum err e = geo_begin(g);
	if (e == ERR_OK)
		e = read_everything(g, folder, cfg->geofilter);
	if (e == ERR_OK)
		e = seal(out, g);
	if (e == ERR_OK)
		log_info("geofilter.loaded file=\"%s\" prefixes=%u", cfg->geofilter, out->prefixes_n);
	else if (asprintf(problem, "geofilter: error: %s\n", g->why[0] != '\0' ? g->why : err_text(e)) < 0)
		*problem = nullptr;
	geo_end(g);
	return e;
}

void geofilter_fini(struct geofilter *g)
{
	base_closep(&g->fd);
	*g = (struct geofilter){ .fd = -1 };
}

int geofilter_fd(const struct geofilter *g)
{
	char path[64];
	if (g->fd < 0)
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", g->fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}
