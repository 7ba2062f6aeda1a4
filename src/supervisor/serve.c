/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/blocks.h"
#include "supervisor/iroute.h"
#include "supervisor/reload.h"
#include "supervisor/start.h"
#include "supervisor/status.h"
#include "supervisor/stop.h"
#include "supervisor/userfiles.h"
#include "supervisor/utmp.h"

static void on_config_done(struct ipc *ipc, struct ipc_msg *m)
{
	start_config_done(ipc_owner(ipc), (const Msg__ConfigDone *)m->body);
}

static void on_certs(struct ipc *ipc, struct ipc_msg *m)
{
	struct child *keeper = ipc_owner(ipc);
	struct supervisor *s = supervisor_of(keeper);
	const Msg__Certs *certs = (const Msg__Certs *)m->body;
	if (generation_is_loaded(&s->reload.next) && certs->generation == s->reload.next.number) {
		reload_certs(keeper, certs);
		return;
	}
	if (certs->generation != s->now.number)
		return;
	/* workers that run have those of the last keeper */
	if (s->phase == PHASE_RUN && !generation_same_certs(&s->now, certs))
		reload_want_certs(s);
	if (generation_set_certs(&s->now, certs) != ERR_OK)
		child_kill(keeper, "no memory for its certificates");
}

/* {{ files that only root can read }} */

static const struct generation *find_generation(const struct supervisor *s, uint32_t number)
{
	if (generation_is_loaded(&s->reload.next) && s->reload.next.number == number)
		return &s->reload.next;
	return s->now.number == number ? &s->now : nullptr;
}

static void warn_readable(const char *path, const struct stat *st)
{
	if ((st->st_mode & S_IROTH) != 0)
		log_warn("file.readable %s can be read by everybody: chmod 600 %s", path, path);
}

/* A descriptor, or -1 and the reason. */
static int open_file(int folder, const char *path, uint32_t kind, char *error, size_t cap)
{
	struct stat st;
	/* not blocked by a FIFO in the place of the file */
	int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if (kind != FILE_SERVER_CERT && kind != FILE_OCSP && kind != FILE_CA && kind != FILE_CRL)
			warn_readable(path, &st);
		return fd;
	}
	snprintf(error, cap, "%s: %s", path, fd >= 0 ? "not a regular file" : strerror(errno));
	base_closep(&fd);
	return -1;
}

static void on_file_get(struct ipc *ipc, struct ipc_msg *m)
{
	struct child *keeper = ipc_owner(ipc);
	const Msg__FileGet *want = (const Msg__FileGet *)m->body;
	const struct generation *g = find_generation(supervisor_of(keeper), want->generation);
	const char *path = g == nullptr ? nullptr : generation_file(g, want);
	char error[512] = "";
	int fd OWNED(base_closep) = -1;
	if (path == nullptr)
		snprintf(error, sizeof error, "the configuration names no such file");
	else
		fd = open_file(supervisor_of(keeper)->folder, path, want->kind, error, sizeof error);
	Msg__File done;
	msg__file__init(&done);
	done.error = error;
	if (child_send(keeper, MSG_FILE_DONE, m->id, &done.base, &fd, fd >= 0 ? 1 : 0) != ERR_OK)
		child_kill(keeper, "does not take its file");
}

/* Only what a back end must write: the uses of codes. */
static const char *editable(const struct generation *g, const Msg__FileGet *want)
{
	return g != nullptr && want->kind == FILE_OTP ? generation_file(g, want) : nullptr;
}

static void on_file_edit(struct ipc *ipc, struct ipc_msg *m)
{
	struct child *keeper = ipc_owner(ipc);
	struct supervisor *s = supervisor_of(keeper);
	const Msg__FileGet *want = (const Msg__FileGet *)m->body;
	const char *path = editable(find_generation(s, want->generation), want);
	char error[512] = "";
	int fds[2] = { -1, -1 };
	if (path == nullptr)
		snprintf(error, sizeof error, "the configuration names no such file");
	else if (edits_begin(&s->edits, m->id, s->folder, path, fds, error, sizeof error) != ERR_OK)
		log_err("file.not_replaced %s", error);
	Msg__File done;
	msg__file__init(&done);
	done.error = error;
	if (child_send(keeper, MSG_FILE_EDIT_DONE, m->id, &done.base, fds, fds[0] >= 0 ? 2 : 0) != ERR_OK)
		child_kill(keeper, "does not take its file");
	base_closep(&fds[0]);
	base_closep(&fds[1]);
}

static void on_file_commit(struct ipc *ipc, struct ipc_msg *m)
{
	struct child *keeper = ipc_owner(ipc);
	char error[512] = "";
	const Msg__FileCommit *c = (const Msg__FileCommit *)m->body;
	if (edits_end(&supervisor_of(keeper)->edits, m->id, c->drop, error, sizeof error) != ERR_OK)
		log_err("file.not_replaced %s", error);
	Msg__File done;
	msg__file__init(&done);
	done.error = error;
	if (child_send(keeper, MSG_FILE_COMMIT_DONE, m->id, &done.base, nullptr, 0) != ERR_OK)
		child_kill(keeper, "does not hear of its file");
}

/* {{ trouble, wishes of the administrator }} */

/* Who is believed: a worker faces the network, control only the administrator, the keeper neither. */
static unsigned trust(enum ipc_role role)
{
	return role == ROLE_KEEPER ? 2 : role == ROLE_CONTROL ? 1 : 0;
}

static struct child *find_child(struct supervisor *s, uint32_t role, uint32_t index)
{
	for (size_t i = 0; i < s->children_n; i++)
		if (s->children[i].role == role && s->children[i].index == index)
			return &s->children[i];
	return nullptr;
}

/* A captured worker must not be able to have the keeper killed: who accuses a process that is trusted more ends itself. */
static void on_violation(struct ipc *ipc, struct ipc_msg *m)
{
	struct child *from = ipc_owner(ipc);
	const Msg__Violation *v = (const Msg__Violation *)m->body;
	struct child *accused = find_child(supervisor_of(from), v->role, v->index);
	bool is_believed = accused != nullptr && trust(from->role) > trust(accused->role);
	log_err("child.violation name=%s told_by=%s believed=%d what=\"%s\"",
		accused == nullptr ? "?" : accused->name, from->name, is_believed, v->what);
	child_kill(is_believed ? accused : from, is_believed
							 ? "broke the rules of messages"
							 : "is at odds with a process that is trusted more");
}

static void on_reload(struct ipc *ipc, struct ipc_msg *m)
{
	struct child *control = ipc_owner(ipc);
	log_info("reload.asked by=occtl");
	reload_want(supervisor_of(control), control, m->id);
}

static void on_stop_now(struct ipc *ipc, struct ipc_msg *m)
{
	(void)m;
	log_notice("server.told_to_stop by=occtl");
	stop_begin(supervisor_of(ipc_owner(ipc)));
}

static void on_status(struct ipc *ipc, struct ipc_msg *m)
{
	struct child *control = ipc_owner(ipc);
	if (status_send(supervisor_of(control), control, m->id) != ERR_OK)
		log_warn("status.unanswered");
}

ipc_handler *const serve_handlers[MSG_N] = {
	[MSG_CONFIG_DONE] = on_config_done,
	[MSG_CERTS] = on_certs,
	[MSG_FILE_GET] = on_file_get,
	[MSG_VIOLATION] = on_violation,
	[MSG_RELOAD] = on_reload,
	[MSG_STOP_NOW] = on_stop_now,
	[MSG_SUPERVISOR_STATUS] = on_status,
	[MSG_FILE_EDIT] = on_file_edit,
	[MSG_FILE_COMMIT] = on_file_commit,
	[MSG_USER_FILES_GET] = userfiles_on_get,
	[MSG_SCRIPT] = scripts_on_script,
	[MSG_IROUTE] = iroute_on_iroute,
	[MSG_UTMP] = utmp_on_session,
	[MSG_FIREWALL] = firewall_on_session,
	[MSG_GUARD_BLOCK] = blocks_on_guard_block,
	[MSG_PONG] = pulse_on_pong,
};
