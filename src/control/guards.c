/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/guards.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/ask.h"
#include "control/control.h"
#include "control/human.h"
#include "control/show.h"

/* {{ lists }} */

static void list(struct job *job, bool bans)
{
	Msg__GuardList q = MSG__GUARD_LIST__INIT;
	q.bans = bans;
	job->result = json_array();
	ask_keeper(job, MSG_GUARD_LIST, &q.base);
}

void guards_show_bans(struct job *job)
{
	list(job, true);
}

void guards_show_points(struct job *job)
{
	list(job, false);
}

static void put_text(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, show_text(text));
}

/* "192.0.2.1", "2001:db8::/64" */
static void put_ip(json_t *o, const Msg__GuardEntry *e)
{
	char text[80];
	struct human ip = human_ip(e->ip.data, e->ip.len);
	if (e->prefix_len < e->ip.len * 8)
		snprintf(text, sizeof text, "%s/%u", ip.s, e->prefix_len);
	else
		snprintf(text, sizeof text, "%s", ip.s);
	put_text(o, "IP", text);
}

static json_t *entry(const Msg__GuardEntry *e, bool is_ban, uint64_t now)
{
	json_t *o = json_object();
	put_ip(o, e);
	put_text(o, "Since", human_time(e->since).s);
	put_text(o, "_Since", human_span(now > e->since ? now - e->since : 0).s);
	json_object_set_new(o, "Score", json_integer(e->score));
	if (!is_ban)
		return o;
	put_text(o, "Kind", e->is_block ? "block" : "ban");
	put_text(o, "Until", e->until != 0 ? human_time(e->until).s : "unblocked");
	put_text(o, "_Until", e->until != 0 ? human_span(e->until > now ? e->until - now : 0).s : "");
	json_object_set_new(o, "raw_until", json_integer((json_int_t)e->until));
	return o;
}

void guards_on_items(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__GuardItems *items = (const void *)m->body;
	struct job *job = job_of_keeper(ipc_owner(ipc), m->id);
	if (job == nullptr)
		return;
	bool is_ban = job->cmd->start == guards_show_bans;
	uint64_t now = (uint64_t)time(nullptr);
	for (size_t i = 0; i < items->n_entries; i++)
		json_array_append_new(job->result, entry(items->entries[i], is_ban, now));
	if (items->end)
		job_done(job, json_incref(job->result));
}

/* {{ changes }} */

/* Address and length of the first argument; false: the job has failed. */
static bool read_address(struct job *job, Msg__GuardChange *q, uint8_t ip[16])
{
	char text[INET6_ADDRSTRLEN + 1];
	const char *slash = strchr(job->arg, '/');
	size_t n = slash != nullptr ? (size_t)(slash - job->arg) : strlen(job->arg);
	char *end = nullptr;
	bool is_v4 = false, good = n < sizeof text;
	if (good) {
		memcpy(text, job->arg, n);
		text[n] = '\0';
		is_v4 = inet_pton(AF_INET, text, ip) == 1;
		good = is_v4 || inet_pton(AF_INET6, text, ip) == 1;
	}
	q->ip = ipc_bytes(ip, is_v4 ? 4 : 16);
	q->prefix_len = (uint32_t)q->ip.len * 8;
	if (good && slash != nullptr) {
		unsigned long len = strtoul(slash + 1, &end, 10);
		good = slash[1] >= '0' && slash[1] <= '9' && *end == '\0' && len > 0 && len <= q->prefix_len;
		q->prefix_len = good ? (uint32_t)len : 0;
	}
	if (!good)
		job_fail(job, nullptr, "'%s' is no address; write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/64",
			 job->arg);
	return good;
}

static void change(struct job *job, enum msgs_guard what, uint64_t secs)
{
	Msg__GuardChange q = MSG__GUARD_CHANGE__INIT;
	uint8_t ip[16];
	q.what = what;
	q.secs = secs;
	if (read_address(job, &q, ip))
		ask_keeper(job, MSG_GUARD_CHANGE, &q.base);
}

void guards_unban(struct job *job)
{
	change(job, GUARD_UNBAN, 0);
}

void guards_unblock(struct job *job)
{
	change(job, GUARD_UNBLOCK, 0);
}

/* "90", "90s", "15m", "2h", "7d"; 0: none of these */
static uint64_t secs_of(const char *text)
{
	static const struct {
		char letter;
		uint32_t secs;
	} units[] = { { '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86'400 } };
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 9 || (text[digits] != '\0' && text[digits + 1] != '\0'))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (units[i].letter == text[digits])
			return strtoull(text, nullptr, 10) * units[i].secs;
	return 0;
}

void guards_block(struct job *job)
{
	if (strchr(job->cmd->arg, ' ') == nullptr) {
		change(job, GUARD_BLOCK, 0);
		return;
	}
	const char *time = job->request.words[job->request.words_n - 1];
	uint64_t secs = secs_of(time);
	if (secs == 0 || secs > UINT32_MAX)
		job_fail(job, nullptr, "'%s' is no time; write 90s, 15m, 2h or 7d", time);
	else
		change(job, GUARD_BLOCK, secs);
}

static const char *done_of(const struct job *job)
{
	return job->cmd->start == guards_unban   ? "unbanned"
	       : job->cmd->start == guards_block ? "blocked"
						 : "unblocked";
}

void guards_on_change_done(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__Done *done = (const void *)m->body;
	struct job *job = job_of_keeper(ipc_owner(ipc), m->id);
	if (job == nullptr)
		return;
	if (*done->error != '\0')
		job_fail(job, nullptr, "could not %.*s IP '%s': %s", (int)strcspn(job->cmd->words, " "),
			 job->cmd->words, job->arg, done->error);
	else
		job_done(job, json_pack("{s:o}", "message",
					json_sprintf("IP '%s' was %s", job->arg, done_of(job))));
}

/* {{ show guard }} */

void guards_show(struct job *job)
{
	Msg__Empty empty = MSG__EMPTY__INIT;
	ask_keeper(job, MSG_GUARD_STATUS, &empty.base);
}

static void put_int(json_t *o, const char *key, uint64_t value)
{
	json_object_set_new(o, key, json_integer((json_int_t)value));
}

static json_t *refused(const struct counters *c)
{
	json_t *o = json_object();
	uint64_t banned = 0, blocked = 0, listed = 0, country = 0, allowed = 0;
	for (unsigned i = 0; i < c->n; i++) {
		banned += stats_read(&c->regions[i]->c.guard_banned);
		blocked += stats_read(&c->regions[i]->c.guard_blocked);
		listed += stats_read(&c->regions[i]->c.guard_listed);
		country += stats_read(&c->regions[i]->c.guard_country);
		allowed += stats_read(&c->regions[i]->c.guard_allowed);
	}
	put_int(o, "banned", banned);
	put_int(o, "blocked", blocked);
	put_int(o, "by geofilter", listed);
	put_int(o, "by country", country);
	put_int(o, "not, because allowed", allowed);
	return o;
}

static json_t *layers(const Msg__GuardStatus *s)
{
	json_t *o = json_object();
	put_text(o, "board", s->board);
	put_text(o, "points",
		 s->is_on ? "active" : "off: max-ban-score, ban-failures and ban-connections are 0");
	char filter[64] = "off: geofilter is not set";
	if (s->has_filter)
		snprintf(filter, sizeof filter, "active, %u prefixes", s->prefixes);
	put_text(o, "geofilter", filter);
	return o;
}

void guards_on_status_done(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__GuardStatus *s = (const void *)m->body;
	struct control *c = ipc_owner(ipc);
	struct job *job = job_of_keeper(c, m->id);
	if (job == nullptr)
		return;
	json_t *o = json_object(), *causes = json_object();
	put_int(o, "IPs in ban list", s->banned);
	put_int(o, "Blocks", s->blocks);
	put_int(o, "Peers known", s->peers);
	put_int(o, "Peers forgotten", s->evicted);
	put_int(o, "Wrong passwords", s->wrong_passwords);
	put_int(o, "Connections counted", s->connections);
	for (size_t i = 0; i < s->n_causes; i++)
		put_int(causes, s->causes[i]->name, s->causes[i]->n);
	json_object_set_new(o, "Bans by cause", causes);
	json_object_set_new(o, "Connections refused", refused(&c->counters));
	json_object_set_new(o, "Layers", layers(s));
	job_done(job, o);
}
