/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session_own - the options of one session: session_set_own, session_set_timeout */
#include <stdlib.h>

#include "base/log.h"
#include "config/user.h"
#include "keeper/facts.h"
#include "keeper/session_life.h"

constexpr size_t TEXTS_MAX = 3; /* of the group, of the user, of the back end */

static void log_problems(const struct config_report *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].is_error)
			log_err("user.config %s", r->v[i].text);
		else
			log_debug("user.config %s", r->v[i].text);
}

static enum err make_own(struct vhost **out, const struct vhost *base, const Msg__UserFiles *texts)
{
	struct config_user_text list[TEXTS_MAX];
	struct config_report report OWNED(config_report_fini) = {};
	if (texts->n_texts > TEXTS_MAX)
		return ERR_RANGE;
	for (size_t i = 0; i < texts->n_texts; i++) {
		const Msg__UserText *t = texts->texts[i];
		list[i] = (struct config_user_text){ .file = t->file,
						     .text = (const char *)t->text.data,
						     .len = t->text.len,
						     .is_alone = t->alone };
	}
	enum err e = config_user_make(out, base, list, texts->n_texts, &report);
	log_problems(&report);
	return e;
}

static Msg__UserFiles *copy_texts(const Msg__UserFiles *m)
{
	size_t len = msg__user_files__get_packed_size(m);
	uint8_t *bytes OWNED(base_freep) = malloc(len + 1);
	if (bytes == nullptr)
		return nullptr;
	msg__user_files__pack(m, bytes);
	return msg__user_files__unpack(nullptr, len, bytes);
}

void session_set_timeout(const struct sessions *a, struct session *s)
{
	if (s->logged_in.ns == 0)
		return;
	s->timeout_s = facts_session_timeout(s->facts, session_vhost(a, s)->session_timeout);
	s->expires = s->timeout_s > 0 ? clock_add_s(s->logged_in, s->timeout_s) : (struct mono){};
}

enum err session_set_own(struct sessions *a, struct session *s, const Msg__UserFiles *texts)
{
	struct vhost *own = nullptr;
	Msg__UserFiles *copy = nullptr;
	if (texts->n_texts > 0) {
		TRY(make_own(&own, &a->cfg->vhosts[s->vhost], texts));
		copy = copy_texts(texts);
		if (copy == nullptr) {
			config_user_free(own);
			return ERR_NOMEM;
		}
	}
	config_user_free(s->own);
	if (s->texts != nullptr)
		msg__user_files__free_unpacked(s->texts, nullptr);
	s->own = own;
	s->texts = copy;
	session_set_timeout(a, s);
	return ERR_OK;
}
