/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/directory_login.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "auth/directory_entry.h"
#include "auth/directory_link.h"
#include "auth/directory_text.h"
#include "auth/fact.h"
#include "auth/task.h"
#include "base/log.h"
#include "ipc/msgs.h"

constexpr size_t MESSAGE_MAX = 1024;
constexpr uint64_t REFUSAL_STEP_NS = 500'000'000;
constexpr unsigned CHANGE_TRIES = 3;
constexpr uint32_t DAY_S = 86'400;

/* A login, from beginning to end. */
struct login {
	const struct directory_settings *set;
	const Msg__BackBegin *begin;
	int fd;
	struct mono from;       /* when the user's last answer came */
	char *password;         /* malloc'ed; wiped at the end */
	struct directory_link link;
	struct directory_entry entry;
	bool is_deaf;           /* the user was asked: another server must not be tried with it again */
	uint32_t silent;
	/* what is to be told */
	enum msgs_back result;
	char message[MESSAGE_MAX], why[256];
};

static void wipe(char **text)
{
	if (*text != nullptr)
		explicit_bzero(*text, strlen(*text));
	free(TAKE(*text));
}

[[gnu::format(printf, 3, 4)]] static void conclude(struct login *l, enum msgs_back result, const char *fmt,
						   ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(l->why, sizeof l->why, fmt, ap);
	va_end(ap);
	l->result = result;
}

/* {{ words to the user */

static char *question(struct login *l, const char *label)
{
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.conv = l->begin->conv;
	done.result = BACK_MORE;
	done.message = l->message;
	done.label = (char *)(uintptr_t)label;
	done.silent = l->silent;
	task_tell(l->fd, &done.base);
	l->message[0] = '\0';
	l->silent = 0;
	char *text = task_wait(l->fd);
	l->from = clock_now();
	return text;
}

static void sleep_until(struct mono t)
{
	const struct timespec at = { (time_t)(t.ns / 1'000'000'000), (long)(t.ns % 1'000'000'000) };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) != 0)
		;
}

static void tell(struct login *l)
{
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.conv = l->begin->conv;
	done.result = l->result;
	done.message = l->message;
	done.why = l->why;
	done.silent = l->silent;
	if (l->result == BACK_OK) {
		done.username = l->entry.name;
		done.facts = l->entry.facts;
		done.group = l->begin->group[0] != '\0' ? l->begin->group : l->entry.group;
	} else {
		uint64_t steps = (clock_now().ns - l->from.ns) / REFUSAL_STEP_NS + 1;
		sleep_until((struct mono){ l->from.ns + steps * REFUSAL_STEP_NS });
	}
	task_tell(l->fd, &done.base);
}

/* {{ what a server says of a password */

static const struct {
	int policy;
	const char *text;
} policies[] = {
	{ PP_passwordExpired, "Your password has expired." },
	{ PP_accountLocked, "Your account is locked." },
	{ PP_changeAfterReset, "Your password must be changed." },
	{ PP_passwordModNotAllowed, "Your password must not be changed." },
	{ PP_mustSupplyOldPassword, "The old password is wanted." },
	{ PP_insufficientPasswordQuality, "The new password is too easy to guess." },
	{ PP_passwordTooShort, "The new password is too short." },
	{ PP_passwordTooYoung, "The password was changed a short time ago." },
	{ PP_passwordInHistory, "The new password was used before." },
	{ PP_passwordTooLong, "The new password is too long." },
};

static const char *policy_text(int policy)
{
	for (size_t i = 0; i < ARRAY_LEN(policies); i++)
		if (policies[i].policy == policy)
			return policies[i].text;
	return "";
}

/* Is it the user who is wrong, or the machine? */
static bool is_denial(int code)
{
	static const int denials[] = { LDAP_INVALID_CREDENTIALS, LDAP_INAPPROPRIATE_AUTH,
				       LDAP_INSUFFICIENT_ACCESS, LDAP_CONSTRAINT_VIOLATION,
				       LDAP_NO_SUCH_OBJECT,      LDAP_UNWILLING_TO_PERFORM };
	for (size_t i = 0; i < ARRAY_LEN(denials); i++)
		if (denials[i] == code)
			return true;
	return false;
}

static void note_expiry(struct login *l, const struct directory_reply *r)
{
	if (r->graces_n >= 0)
		snprintf(l->message, sizeof l->message,
			 "Your password has expired; it is good for %d more logins. Change it.", r->graces_n);
	else if (r->expires_s >= 0)
		snprintf(l->message, sizeof l->message, "Your password expires in %u days.",
			 (unsigned)r->expires_s / DAY_S);
}

/* {{ a new password, where the directory demands one */

/* Asked twice; nullptr, and a message, if they differ. */
static char *new_password(struct login *l)
{
	char *first = question(l, "New password:");
	char *again = question(l, "New password again:");
	bool is_good = first[0] != '\0' && strcmp(first, again) == 0;
	if (!is_good)
		snprintf(l->message, sizeof l->message, "%s",
			 first[0] == '\0' ? "An empty password is not possible." : "They were not the same.");
	wipe(&again);
	if (!is_good)
		wipe(&first);
	return first;
}

/* Done?  Otherwise there is a message. */
static enum err change_once(struct login *l, bool *is_done)
{
	struct directory_reply r;
	char *fresh = new_password(l);
	*is_done = false;
	if (fresh == nullptr)
		return ERR_OK;
	directory_link_extend(&l->link, l->set->timeout_s);
	enum err e = directory_link_change(&l->link, l->entry.dn, l->password, fresh, &r);
	wipe(&fresh);
	TRY(e);
	*is_done = r.code == LDAP_SUCCESS;
	const char *text = policy_text(r.policy);
	if (!*is_done)
		snprintf(l->message, sizeof l->message, "The new password is not taken: %s",
			 text[0] != '\0'     ? text
			 : r.text[0] != '\0' ? r.text
					     : ldap_err2string(r.code));
	return ERR_OK;
}

static enum err change_password(struct login *l)
{
	bool is_done = false;
	l->is_deaf = true;
	snprintf(l->message, sizeof l->message, "%s", policy_text(PP_changeAfterReset));
	for (unsigned i = 0; i < CHANGE_TRIES && !is_done; i++)
		TRY(change_once(l, &is_done));
	if (is_done)
		l->result = BACK_OK;
	else
		conclude(l, BACK_DENIED, "no new password, and the directory demands one");
	return ERR_OK;
}

/* {{ steps */

static enum err be_service(struct login *l)
{
	struct directory_reply r;
	if (l->set->bind_dn[0] == '\0')
		return ERR_OK;
	TRY(directory_link_bind(&l->link, l->set->bind_dn, l->set->bind_password, &r));
	if (r.code == LDAP_SUCCESS)
		return ERR_OK;
	snprintf(l->link.error, sizeof l->link.error, "bind-dn: %s %s%s", ldap_err2string(r.code), r.text,
		 policy_text(r.policy));
	return ERR_SYS;
}

/* A name of this length that nobody has. */
static enum err bind_in_vain(struct login *l)
{
	uint64_t random[2];
	char dn[DIRECTORY_DN_MAX + 64];
	struct directory_reply r;
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return ERR_SYS;
	snprintf(dn, sizeof dn, "cn=%016llx%016llx,%s", (unsigned long long)random[0],
		 (unsigned long long)random[1], l->set->base);
	return directory_link_bind(&l->link, dn, l->password, &r);
}

static bool is_allowed(const struct login *l)
{
	const struct directory_groups *g = &l->set->groups;
	for (size_t i = 0; i < g->allowed_n; i++)
		if (fact_has_group(l->entry.facts, g->allowed[i]))
			return true;
	return g->allowed_n == 0;
}

static void check_groups(struct login *l)
{
	const char *group = l->begin->group;
	if (!is_allowed(l))
		conclude(l, BACK_DENIED, "LDAP: %.100s is in no group of allow-group", l->entry.name);
	else if (group[0] != '\0' && !fact_has_group(l->entry.facts, group))
		conclude(l, BACK_DENIED, "LDAP: user is not in the chosen group");
}

/* The password is right or wrong; then what the policy and the groups say. */
static enum err judge(struct login *l, const struct directory_reply *r)
{
	bool must_change = r->policy == PP_changeAfterReset || r->policy == PP_passwordExpired;
	snprintf(l->message, sizeof l->message, "%s", policy_text(r->policy));
	if (r->code != LDAP_SUCCESS || (r->policy != PP_noError && !must_change)) {
		bool is_user = r->code == LDAP_SUCCESS || is_denial(r->code);
		conclude(l, is_user ? BACK_DENIED : BACK_BROKEN, "LDAP: %s %s%s", ldap_err2string(r->code),
			 r->text, l->message);
		return ERR_OK;
	}
	l->result = BACK_OK;
	check_groups(l);
	if (l->result != BACK_OK) {
		l->message[0] = '\0';
		return ERR_OK;
	}
	if (must_change)
		return change_password(l);
	note_expiry(l, r);
	return ERR_OK;
}

static enum err talk(struct login *l)
{
	struct directory_reply r;
	TRY(be_service(l));
	enum err e = directory_entry_find(&l->entry, &l->link, l->set, l->begin->username);
	if (e == ERR_NOTFOUND || e == ERR_FULL) {
		conclude(l, BACK_DENIED,
			 e == ERR_FULL ? "LDAP: the filter finds more than one entry"
				       : "LDAP: user not found");
		return bind_in_vain(l);
	}
	TRY(e);
	TRY(directory_link_bind(&l->link, l->entry.dn, l->password, &r));
	return judge(l, &r);
}

/* With one server; ERR_BUSY: another one may do better. */
static enum err try_server(struct login *l, unsigned n)
{
	const struct directory_server *to = &l->set->servers[n];
	enum err e = directory_link_open(&l->link, l->set, to, l->set->timeout_s);
	if (e == ERR_OK)
		e = talk(l);
	if (e != ERR_OK) {
		conclude(l, BACK_BROKEN, "LDAP %s: %.180s", to->host,
			 l->link.error[0] != '\0' ? l->link.error : err_text(e));
		log_warn("ldap.failed server=\"%s\" port=%u error=\"%s\"", to->host, to->port,
			 l->link.error[0] != '\0' ? l->link.error : err_text(e));
	}
	if (e == ERR_BUSY)
		l->silent |= 1u << n;
	directory_link_close(&l->link);
	return e;
}

static void try_servers(struct login *l, const struct directory_conf *c)
{
	unsigned order[DIRECTORY_SERVERS_MAX];
	unsigned n = directory_conf_order(c, clock_now(), order);
	struct mono until = clock_add_s(clock_now(), DIRECTORY_PATIENCE_S - l->set->timeout_s);
	enum err e = ERR_BUSY;
	for (unsigned i = 0; i < n && e == ERR_BUSY && !l->is_deaf; i++) {
		if (i > 0 && clock_is_past(clock_now(), until))
			break;
		directory_entry_fini(&l->entry);
		e = try_server(l, order[i]);
	}
}

/* Why a login is not worth a question; nullptr if it is. */
static const char *unfit(const struct login *l)
{
	return !directory_text_is_name(l->begin->username) ? "LDAP: no name of a user"
	       : l->password[0] == '\0'                    ? "LDAP: an empty password"
							   : nullptr;
}

void directory_login(const struct directory_conf *c, const Msg__BackBegin *b, int fd)
{
	struct login l = { .set = directory_conf_settings(c), .begin = b, .fd = fd, .from = clock_now() };
	snprintf(l.message, sizeof l.message, "Please enter your password.");
	l.password = b->has_password ? strdup(b->password) : question(&l, "Password:");
	l.message[0] = '\0';
	conclude(&l, BACK_BROKEN, "LDAP: %s", l.password != nullptr ? "no server" : err_text(ERR_NOMEM));
	if (l.password != nullptr && unfit(&l) != nullptr)
		conclude(&l, BACK_DENIED, "%s", unfit(&l));
	else if (l.password != nullptr)
		try_servers(&l, c);
	tell(&l);
	directory_entry_fini(&l.entry);
	wipe(&l.password);
}
