/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static enum err parse(struct control *c, const Msg__Config *q, int fd, struct config_report *report)
{
	char *text OWNED(base_freep) = nullptr;
	size_t len;
	TRY(config_read_fd(fd, &text, &len));
	config_putp(&c->next);
	enum err e = config_parse(&c->next, q->file, text, len, report);
	c->next_generation = q->generation;
	return e;
}

/* The errors of the report, one a line; without any the error itself. */
static char *problems(const struct config_report *report, enum err e)
{
	char *text = nullptr;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	if (f == nullptr)
		return nullptr;
	for (size_t i = 0; i < report->n; i++)
		if (report->v[i].is_error)
			fprintf(f, "%s\n", report->v[i].text);
	if (report->errors_n == 0)
		fprintf(f, "control: %s\n", err_text(e));
	fclose(f);
	return text;
}

void settings_on_config(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__Config *q = (const void *)m->body;
	struct control *c = ipc_owner(ipc);
	struct config_report report = {};
	OWNED(base_closep) int fd = ipc_take_fd(m, 0);
	enum err e = fd >= 0 ? parse(c, q, fd, &report) : ERR_PROTO;
	OWNED(base_freep) char *text = e == ERR_OK ? nullptr : problems(&report, e);

	Msg__ConfigDone done;
	msg__config_done__init(&done);
	done.generation = q->generation;
	done.ready = e == ERR_OK;
	if (text != nullptr)
		done.error = text;
	log_set_level(log_level_of(q->debug));
	if (ipc_send(ipc, MSG_CONFIG_DONE, m->id, &done.base, nullptr, 0) != ERR_OK)
		log_err("control.config_done error=\"not sent\"");
	config_report_fini(&report);
}

void settings_on_commit(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__Commit *q = (const void *)m->body;
	struct control *c = ipc_owner(ipc);
	if (c->next == nullptr || q->generation != c->next_generation) {
		log_err("control.commit generation=%u error=\"not the one that was loaded\"", q->generation);
		return;
	}
	config_put(c->config);
	c->config = TAKE(c->next);
}
