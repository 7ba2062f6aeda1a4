/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/reload.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "fips/fips.h"
#include "keeper/auth_kind.h"
#include "keeper/descriptor.h"
#include "keeper/groups.h"
#include "keeper/keeper.h"

constexpr size_t FILE_BYTES_MAX = 1024 * 1024; /* of a certificate, a key or a configuration */
constexpr size_t PROBLEMS_MAX = 32 * 1024;     /* of a message's 64 KB */

/* {{ what is wrong }} */

[[gnu::format(printf, 2, 3)]] static void complain(struct reload *r, const char *fmt, ...)
{
	char *line OWNED(base_freep) = nullptr;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&line, fmt, ap);
	va_end(ap);
	size_t old = r->problems != nullptr ? strlen(r->problems) : 0;
	if (n < 0 || old + (size_t)n + 2 > PROBLEMS_MAX)
		return;
	char *all = realloc(r->problems, old + (size_t)n + 2);
	if (all == nullptr)
		return;
	snprintf(all + old, (size_t)n + 2, "%s%s", old > 0 ? "\n" : "", line);
	r->problems = all;
}

static const char *option_of(enum msgs_file kind)
{
	switch (kind) {
	case FILE_SERVER_CERT: return "server-cert";
	case FILE_SERVER_KEY: return "server-key";
	case FILE_PASSWD: return "auth";
	case FILE_OTP: return "auth (otp)";
	case FILE_OCSP: return "ocsp-response";
	case FILE_CA: return "ca-cert";
	case FILE_CRL: return "crl";
	}
	return "file";
}

/* {{ end of a preparation }} */

void reload_fini(struct reload *r)
{
	for (size_t i = 0; i < r->files_n; i++) {
		vault_fini(&r->files[i].bytes);
		groups_fini(&r->files[i].groups);
		free(r->files[i].error);
	}
	free(r->files);
	free(r->problems);
	*r = (struct reload){};
}

static void answer(struct keeper *k, uint32_t id, uint32_t number, const char *problems)
{
	Msg__ConfigDone body;
	msg__config_done__init(&body);
	body.generation = number;
	body.ready = problems == nullptr;
	body.error = (char *)(uintptr_t)(problems != nullptr ? problems : "");
	if (ipc_send(k->supervisor, MSG_CONFIG_DONE, id, &body.base, nullptr, 0) != ERR_OK)
		log_err("keeper.config generation=%u error=\"the answer was not sent\"", number);
}

/* All is well, or problems tells what is not. */
static void finish(struct keeper *k)
{
	struct reload *r = &k->reload;
	if (r->problems == nullptr) {
		enum err e = edition_send_certs(&k->next, k->supervisor);
		if (e == ERR_RANGE)
			complain(
				r,
				"server-cert: the certificate chains of all virtual hosts are larger than 64 KB");
		else if (e != ERR_OK)
			complain(r, "server-cert: the certificates were not sent: %s", err_text(e));
	}
	answer(k, r->id, r->number, r->problems);
	if (r->problems != nullptr) {
		log_err("keeper.refused generation=%u", r->number);
		edition_fini(&k->next);
	} else {
		log_info("keeper.prepared generation=%u keys=%zu", r->number, k->next.keys_n);
	}
	reload_fini(r);
}

/* {{ checking }} */

static struct reload_file *find_file(struct reload *r, enum msgs_file kind, const char *path)
{
	for (size_t i = 0; i < r->files_n; i++)
		if (r->files[i].kind == kind && strcmp(r->files[i].path, path) == 0)
			return &r->files[i];
	return nullptr;
}

static struct span text_of(const struct reload_file *f)
{
	return span_of((const char *)f->bytes.p, f->bytes.len);
}

static void warn_of_end(const char *path, const struct key *key)
{
	int64_t left = key_not_after(key) - (int64_t)time(nullptr);
	if (key_not_after(key) == 0)
		return;
	if (left < 0)
		log_warn("cert.expired file=\"%s\" days_ago=%lld hint=\"clients will refuse it; renew it\"",
			 path, (long long)(-left / 86400));
	else if (left < 14 * 86400)
		log_warn("cert.expires file=\"%s\" days_left=%lld", path, (long long)(left / 86400));
}

static void complain_of_key(struct reload *r, enum key_problem p, const struct reload_file *cert,
			    const struct reload_file *key)
{
	const struct reload_file *where = key_problem_is_in_key(p) ? key : cert;
	const char *also = p == KEY_MISMATCH ? cert->path : "";
	complain(r, "%s %s: %s%s%s", option_of(where->kind), where->path, key_problem_text(p),
		 *also ? ": " : "", also);
}

/* The pair was loaded for another virtual host already? */
static bool find_pair(const struct edition *g, const char *cert, const char *key, uint32_t *number)
{
	for (size_t i = 0; i < g->certs_n; i++) {
		const struct vhost *v = &g->cfg->vhosts[g->certs[i].vhost];
		for (size_t j = 0; j < v->server_cert.n; j++)
			if (g->certs[i].pair == j && strcmp(v->server_cert.v[j], cert) == 0 &&
			    strcmp(v->server_key.v[j], key) == 0) {
				*number = g->certs[i].key;
				return true;
			}
	}
	return false;
}

static enum err load_pair(struct reload *r, struct edition *g, uint32_t vhost, uint32_t pair)
{
	const struct vhost *v = &g->cfg->vhosts[vhost];
	const struct reload_file *cert = find_file(r, FILE_SERVER_CERT, v->server_cert.v[pair]);
	const struct reload_file *key = find_file(r, FILE_SERVER_KEY, v->server_key.v[pair]);
	uint32_t number;
	if (cert->error != nullptr || key->error != nullptr)
		return ERR_OK; /* said already */
	if (find_pair(g, cert->path, key->path, &number))
		return edition_add_cert(g, vhost, number, pair);
	struct key *loaded;
	enum key_problem p = key_new(&loaded, text_of(cert), text_of(key));
	if (p == KEY_FINE && fips_is_on() && key_type(loaded) == KEY_ED25519) {
		key_free(loaded);
		p = KEY_UNAPPROVED;
	}
	if (p != KEY_FINE) {
		complain_of_key(r, p, cert, key);
		return ERR_OK;
	}
	warn_of_end(cert->path, loaded);
	enum err e = edition_add_key(g, loaded, &number);
	if (e != ERR_OK) {
		key_free(loaded);
		return e;
	}
	return edition_add_cert(g, vhost, number, pair);
}

static bool is_inherited(const struct config *cfg, size_t vhost)
{
	const struct vhost *v = &cfg->vhosts[vhost], *first = &cfg->vhosts[0];
	bool same = vhost > 0 && v->server_cert.n == first->server_cert.n &&
		    v->server_key.n == first->server_key.n;
	for (size_t i = 0; same && i < v->server_cert.n; i++)
		same = strcmp(v->server_cert.v[i], first->server_cert.v[i]) == 0;
	for (size_t i = 0; same && i < v->server_key.n; i++)
		same = strcmp(v->server_key.v[i], first->server_key.v[i]) == 0;
	return same;
}

static enum err load_vhost(struct reload *r, struct edition *g, uint32_t vhost)
{
	const struct vhost *v = &g->cfg->vhosts[vhost];
	const char *name = vhost == 0 ? "the default host" : v->name;
	bool is_new = !is_inherited(g->cfg, vhost); /* a fault of the default host is told once */
	if (v->server_cert.n == 0 && is_new)
		complain(r, "server-cert is not set for %s; name the file of its certificate chain (PEM)",
			 name);
	if (v->server_cert.n != v->server_key.n && is_new)
		complain(
			r,
			"%zu server-cert but %zu server-key for %s; there must be a key for each certificate",
			v->server_cert.n, v->server_key.n, name);
	if (v->server_cert.n != v->server_key.n || (!is_new && r->problems != nullptr))
		return ERR_OK;
	for (uint32_t i = 0; i < v->server_cert.n; i++)
		TRY(load_pair(r, g, vhost, i));
	return ERR_OK;
}

/* The first file of passwords that a virtual host's methods name; nullptr: none. */
static const char *passwd_of(const struct vhost *v)
{
	const struct auth_method *m;
	const char *path = nullptr;
	for (size_t i = 0; path == nullptr && (m = config_vhost_method(v, i)) != nullptr; i++)
		path = config_auth_arg(m, "passwd");
	return path;
}

/* What its password file knows goes to a virtual host that offers it; several may share the file. */
static enum err give_groups(struct reload *r, struct edition *g, uint32_t vhost)
{
	const struct vhost *v = &g->cfg->vhosts[vhost];
	const char *path = v->auto_select_group ? passwd_of(v) : nullptr;
	const struct reload_file *f = path != nullptr ? find_file(r, FILE_PASSWD, path) : nullptr;
	return f != nullptr ? edition_set_groups(g, vhost, &f->groups) : ERR_OK;
}

/* A list that is broken when the keeper comes back lets no certificate in, but the other methods go on. */
static void give_crl(struct reload *r, struct cert_gate *gate, const struct reload_file *f)
{
	const char *problem = f->error != nullptr ? f->error : "cannot be opened";
	if (f->bytes.len > 0 && cert_gate_set_crl(gate, f->bytes.p, f->bytes.len - 1, &problem) == ERR_OK)
		return;
	if (r->is_restart)
		log_err("crl.problem file=\"%s\" what=\"%s\" note=\"no certificate is accepted\"", f->path,
			problem);
	else if (f->error == nullptr)
		complain(r, "%s: %s", f->path, problem);
}

static enum err make_gate(struct reload *r, struct edition *g, uint32_t vhost)
{
	const struct vhost *v = &g->cfg->vhosts[vhost];
	if (!config_wants_certificate(v))
		return ERR_OK;
	const struct reload_file *ca = find_file(r, FILE_CA, v->ca_cert);
	if (ca->error != nullptr)
		return ERR_OK; /* said already */
	struct cert_gate *gate = edition_gate(g, vhost);
	const char *problem = nullptr;
	enum err e = gate == nullptr ? ERR_NOMEM
				     : cert_gate_init(gate, v, ca->bytes.p, ca->bytes.len - 1, &problem);
	if (e == ERR_CONFIG)
		complain(r, "%s (ca-cert %s)", problem, ca->path);
	if (e == ERR_OK && v->crl != nullptr)
		give_crl(r, gate, find_file(r, FILE_CRL, v->crl));
	return e == ERR_CONFIG ? ERR_OK : e;
}

static enum err build(struct keeper *k)
{
	struct edition *g = &k->next;
	for (uint32_t i = 0; i < g->cfg->vhosts_n; i++)
		TRY(load_vhost(&k->reload, g, i));
	for (uint32_t i = 0; i < g->cfg->vhosts_n; i++)
		TRY(give_groups(&k->reload, g, i));
	for (uint32_t i = 0; i < g->cfg->vhosts_n; i++)
		TRY(make_gate(&k->reload, g, i));
	if (k->reload.problems != nullptr)
		return ERR_OK;
	const struct auth_backend_conf conf = { .loop = k->loop,
						.fetch = fetch_start,
						.edit = fetch_edit,
						.commit = fetch_commit,
						.done = auth_kind_file_done,
						.ctx = k };
	return auth_set_init(&g->auth, g->cfg, &k->now.auth, &conf);
}

static void check_all(struct keeper *k)
{
	struct reload *r = &k->reload;
	for (size_t i = 0; i < r->files_n; i++)
		if (r->files[i].error != nullptr)
			complain(r, "%s %s: %s", option_of(r->files[i].kind), r->files[i].path,
				 r->files[i].error);
	enum err e = build(k);
	if (e != ERR_OK)
		complain(r, "the keeper cannot prepare the configuration: %s", err_text(e));
	finish(k);
}

/* {{ files }} */

static enum err read_whole(int fd, size_t max, struct vault *out)
{
	struct stat st;
	size_t len;
	TRY(descriptor_stat(fd, max, &st));
	TRY(vault_new(out, (size_t)st.st_size + 1));
	/* what is behind stays zero: a file that shrank while it was read ends early */
	enum err e = descriptor_read(fd, out->p, (size_t)st.st_size, &len);
	if (e != ERR_OK)
		vault_fini(out);
	return e;
}

/* Lines of one password file. */
struct passwd_check {
	struct reload *reload;
	unsigned bad_n;
};

static void complain_of_line(void *ctx, bool is_error, const char *file, uint32_t line, const char *problem)
{
	struct passwd_check *check = ctx;
	check->bad_n += is_error;
	if (is_error && !check->reload->is_first)
		complain(check->reload, "%s:%u: %s; correct or remove this line (see ocpasswd(8))", file,
			 line, problem);
	else
		log_warn(
			"passwd.problem file=\"%s\" line=%u what=\"%s\" hint=\"the line is not used; see ocpasswd(8)\"",
			file, line, problem);
}

static bool wants_groups(const struct config *cfg, const char *file)
{
	for (size_t i = 0; i < cfg->vhosts_n; i++) {
		const char *path = cfg->vhosts[i].auto_select_group ? passwd_of(&cfg->vhosts[i]) : nullptr;
		if (path != nullptr && strcmp(path, file) == 0)
			return true;
	}
	return false;
}

static void take_passwd(struct keeper *k, struct reload_file *f, int fd)
{
	const struct auth_backend_kind *kind = auth_backend_kind(f->kind);
	struct passwd_check check = { .reload = &k->reload };
	size_t users = 0;
	enum err e = auth_backend_check(kind, f->path, fd, complain_of_line, &check, &users);
	if (e != ERR_OK)
		f->error = strdup("cannot be read; it must be a regular file of at most 64 MB");
	else if (f->kind == FILE_PASSWD && wants_groups(k->next.cfg, f->path) &&
		 groups_read(&f->groups, fd, f->path) != ERR_OK)
		f->error = strdup("its groups cannot be read (auto-select-group)");
	else if (check.bad_n > 0 && users == 0 && !k->reload.is_restart)
		f->error = strdup(
			f->kind == FILE_OTP
				? "no line is of the form: HOTP/T30 user pin secret; is it the right file?"
				: "no line is of the form user:group:hash; is it the right file? (see ocpasswd(8))");
}

static bool is_of_users(enum msgs_file kind)
{
	return auth_backend_kind(kind) != nullptr;
}

static void note_unopened(struct reload *r, struct reload_file *f, const char *error)
{
	bool is_passwd = is_of_users(f->kind);
	if (f->kind == FILE_CRL && r->is_restart)
		return; /* give_crl tells it */
	if (f->kind == FILE_OCSP && r->is_first)
		return; /* staple.c warns, and tries again */
	size_t len = strlen(f->path);
	if (strncmp(error, f->path, len) == 0 && strncmp(error + len, ": ", 2) == 0)
		error += len + 2; /* the name is said anyway */
	if (is_passwd && r->is_restart) {
		log_err("passwd.unreadable file=\"%s\" error=\"%s\" note=\"nobody can log in\"", f->path,
			error);
		return;
	}
	const char *cure = f->kind == FILE_PASSWD ? "create it with ocpasswd(8), or correct the path"
						  : "correct the path or the file's rights";
	if (asprintf(&f->error, "cannot be opened: %s; %s", error, cure) < 0)
		f->error = nullptr;
}

/* Old or broken it is no danger: clients ask the authority themselves then.  So a server that starts, or gets its keeper back, goes on
 * with the warning of staple.c; only a reload, which has an administrator waiting for its result, is refused. */
static void check_staple(struct reload *r, struct reload_file *f)
{
	const char *problem = staple_problem(f->bytes.p, f->bytes.len - 1 /* the NUL of read_whole */);
	if (problem != nullptr && !r->is_first)
		f->error = strdup(problem);
}

static void take_file(struct keeper *k, struct reload_file *f, int fd, const char *error)
{
	if (fd < 0) {
		note_unopened(&k->reload, f, error);
		return;
	}
	if (is_of_users(f->kind)) {
		take_passwd(k, f, fd);
		return;
	}
	enum err e = read_whole(fd, f->kind == FILE_CRL ? CERT_GATE_CRL_MAX : FILE_BYTES_MAX, &f->bytes);
	if (e != ERR_OK)
		f->error = strdup(e != ERR_RANGE        ? "cannot be read"
				  : f->kind == FILE_CRL ? "is not a regular file of at most 4 MB"
							: "is not a regular file of at most 1 MB");
	else if (f->kind == FILE_OCSP)
		check_staple(&k->reload, f);
}

void reload_on_file(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	struct reload *r = &k->reload;
	const Msg__File *file = (const void *)m->body;
	if (fetch_answered(k, m) || staple_answered(k, m) || cert_gate_answered(k, m))
		return;
	for (size_t i = 0; i < r->files_n; i++) {
		if (r->files[i].id == 0 || r->files[i].id != m->id)
			continue;
		int fd OWNED(base_closep) = ipc_take_fd(m, 0);
		r->files[i].id = 0;
		take_file(k, &r->files[i], fd, file->error);
		if (--r->open_n == 0)
			check_all(k);
		return;
	}
	/* of a preparation that was given up: the descriptor is closed by ipc */
}

static enum err want(struct reload *r, enum msgs_file kind, uint32_t vhost, uint32_t index, const char *path)
{
	if (find_file(r, kind, path) != nullptr)
		return ERR_OK;
	struct reload_file *files = reallocarray(r->files, r->files_n + 1, sizeof *files);
	if (files == nullptr)
		return ERR_NOMEM;
	r->files = files;
	files[r->files_n++] =
		(struct reload_file){ .kind = kind, .vhost = vhost, .index = index, .path = path };
	return ERR_OK;
}

static enum err want_all(struct reload *r, const struct config *cfg)
{
	for (uint32_t i = 0; i < cfg->vhosts_n; i++) {
		const struct vhost *v = &cfg->vhosts[i];
		for (uint32_t j = 0; j < v->server_cert.n; j++)
			TRY(want(r, FILE_SERVER_CERT, i, j, v->server_cert.v[j]));
		for (uint32_t j = 0; j < v->server_key.n; j++)
			TRY(want(r, FILE_SERVER_KEY, i, j, v->server_key.v[j]));
		if (config_wants_certificate(v)) {
			TRY(want(r, FILE_CA, i, 0, v->ca_cert));
			if (v->crl != nullptr)
				TRY(want(r, FILE_CRL, i, 0, v->crl));
		}
		if (v->ocsp_response != nullptr)
			TRY(want(r, FILE_OCSP, i, 0, v->ocsp_response));
	}
	struct auth_set_file f;
	for (size_t n = 0; auth_set_file(cfg, n, &f); n++)
		TRY(want(r, f.kind->file, f.vhost, f.method, f.file));
	return ERR_OK;
}

static enum err ask_all(struct keeper *k)
{
	struct reload *r = &k->reload;
	for (size_t i = 0; i < r->files_n; i++) {
		struct reload_file *f = &r->files[i];
		Msg__FileGet body = MSG__FILE_GET__INIT;
		body.generation = r->number;
		body.vhost = f->vhost;
		body.kind = f->kind;
		body.index = f->index;
		f->id = ipc_next_id(k->supervisor);
		TRY(ipc_send(k->supervisor, MSG_FILE_GET, f->id, &body.base, nullptr, 0));
		r->open_n++;
	}
	return ERR_OK;
}

/* {{ start of a preparation }} */

static enum err parse(struct keeper *k, int fd, const char *file)
{
	struct vault text OWNED(vault_fini) = {}; /* a configuration may hold a password */
	struct config_report report = {};
	TRY(read_whole(fd, FILE_BYTES_MAX, &text));
	size_t len = strnlen((const char *)text.p, text.len);
	enum err e = config_parse(&k->next.cfg, file, (const char *)text.p, len, &report);
	for (size_t i = 0; e != ERR_OK && i < report.n; i++)
		if (report.v[i].is_error)
			complain(&k->reload, "%s", report.v[i].text);
	config_report_fini(&report);
	const char *why = nullptr;
	if (e == ERR_OK)
		e = fips_begin(k->next.cfg->fips, &why);
	if (why != nullptr)
		complain(&k->reload, "fips: %s", why);
	return e;
}

void reload_on_config(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	struct reload *r = &k->reload;
	const Msg__Config *c = (const void *)m->body;
	int fd OWNED(base_closep) = ipc_take_fd(m, 0);
	int filter OWNED(base_closep) = ipc_take_fd(m, 1);
	reload_fini(r); /* one that is under way is overtaken */
	edition_fini(&k->next);
	r->number = c->generation;
	r->id = m->id;
	r->is_first = k->now.number == 0;
	r->is_restart = r->is_first && c->generation > 1;
	k->next.number = c->generation;
	k->next.debug = c->debug;
	enum err e = parse(k, fd, c->file);
	if (e == ERR_OK)
		e = filter_map(&k->next.filter, filter, c->geofilter_len);
	if (e == ERR_OK)
		e = want_all(r, k->next.cfg);
	if (e == ERR_OK)
		e = ask_all(k);
	if (e != ERR_OK) {
		if (r->problems == nullptr)
			complain(r, "%s: %s", c->file, err_text(e));
		finish(k);
	} else if (r->open_n == 0) {
		check_all(k);
	}
}

void reload_on_commit(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__Commit *c = (const void *)m->body;
	if (k->next.number == 0 || k->next.number != c->generation || k->reload.number != 0) {
		log_err("keeper.commit generation=%u error=\"not prepared\"", c->generation);
		return;
	}
	enum err e = keeper_commit(k);
	if (e != ERR_OK)
		log_err("keeper.commit generation=%u error=\"%s\"", c->generation, err_text(e));
}
