/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/radius_conf.h"

#include <errno.h>
#include <radcli/radcli.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/log.h"

constexpr unsigned PATIENCE_S = 50; /* less than a conversation's deadline, task.h */

struct radius_conf {
	char *path;
	rc_handle *rh;
	struct mono dead_until[2][RADIUS_SERVERS_MAX];
};

/* Vendors' attributes that we read; the packaged dictionary has their lines commented out. */
static const char own_dictionary[] = "VENDOR Microsoft 311\n"
				     "ATTRIBUTE MS-Primary-DNS-Server 28 ipaddr Microsoft\n"
				     "ATTRIBUTE MS-Secondary-DNS-Server 29 ipaddr Microsoft\n"
				     "ATTRIBUTE MS-Primary-NBNS-Server 30 ipaddr Microsoft\n"
				     "ATTRIBUTE MS-Secondary-NBNS-Server 31 ipaddr Microsoft\n"
				     "VENDOR RoaringPenguin 10055\n"
				     "ATTRIBUTE RP-Upstream-Speed-Limit 1 integer RoaringPenguin\n"
				     "ATTRIBUTE RP-Downstream-Speed-Limit 2 integer RoaringPenguin\n";

static const SERVER *servers_of(const struct radius_conf *c, enum radius_role role)
{
	return rc_conf_srv(c->rh, role == RADIUS_AUTH ? "authserver" : "acctserver");
}

static enum err complain(char *problem, size_t cap, const char *path, const char *what)
{
	snprintf(problem, cap, "radius %s: %s", path, what);
	return ERR_CONFIG;
}

static void warn_of_patience(const struct radius_conf *c)
{
	const SERVER *s = servers_of(c, RADIUS_AUTH);
	unsigned most = (unsigned)MAX(rc_conf_int(c->rh, "radius_timeout"), 1) *
			(unsigned)MAX(rc_conf_int(c->rh, "radius_retries"), 1) * (unsigned)s->max;
	if (most > PATIENCE_S)
		log_warn(
			"radius.slow file=\"%s\" note=\"radius_timeout x radius_retries x servers is %u s; a login is "
			"given up after %u s\"",
			c->path, most, PATIENCE_S);
}

static enum err check(const struct radius_conf *c, char *problem, size_t cap)
{
	const char *dictionary = rc_conf_str(c->rh, "dictionary"), *list = rc_conf_str(c->rh, "servers");
	const SERVER *s = servers_of(c, RADIUS_AUTH);
	if (s == nullptr || s->max == 0)
		return complain(problem, cap, c->path, "no authserver is set");
	if (list != nullptr && access(list, R_OK) != 0)
		return complain(problem, cap, list, "the file of servers cannot be read");
	if (dictionary == nullptr || rc_read_dictionary(c->rh, dictionary) != 0)
		return complain(problem, cap, dictionary != nullptr ? dictionary : c->path,
				"the dictionary cannot be read");
	if (rc_read_dictionary_from_buffer(c->rh, own_dictionary, sizeof own_dictionary - 1) != 0)
		return complain(problem, cap, c->path,
				"attributes of vendors are defined otherwise in the dictionary");
	warn_of_patience(c);
	return ERR_OK;
}

enum err radius_conf_new(struct radius_conf **out, const char *path, char *problem, size_t cap)
{
	if (access(path, R_OK) != 0)
		return complain(problem, cap, path, strerror(errno));
	struct radius_conf *c = calloc(1, sizeof *c);
	if (c == nullptr)
		return ERR_NOMEM;
	c->path = strdup(path);
	c->rh = rc_read_config(path);
	enum err e = c->rh == nullptr
			     ? complain(problem, cap, path,
					"the file is wrong; the library tells more in the system's log")
			     : check(c, problem, cap);
	if (e != ERR_OK) {
		radius_conf_free(c);
		return e;
	}
	*out = c;
	return ERR_OK;
}

void radius_conf_free(struct radius_conf *c)
{
	if (c == nullptr)
		return;
	if (c->rh != nullptr)
		rc_destroy(c->rh);
	free(c->path);
	free(c);
}

const char *radius_conf_path(const struct radius_conf *c)
{
	return c->path;
}

void *radius_conf_handle(const struct radius_conf *c)
{
	return c->rh;
}

unsigned radius_conf_order(const struct radius_conf *c, enum radius_role role, struct mono now,
			   unsigned out[RADIUS_SERVERS_MAX])
{
	const SERVER *s = servers_of(c, role);
	unsigned n = 0, max = s != nullptr ? MIN((unsigned)s->max, RADIUS_SERVERS_MAX) : 0;
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < max; i++)
			if (clock_is_past(now, c->dead_until[role][i]) == (pass == 0))
				out[n++] = i;
	return n;
}

void radius_conf_note(struct radius_conf *c, enum radius_role role, uint32_t silent, struct mono now)
{
	const SERVER *s = servers_of(c, role);
	for (unsigned i = 0; s != nullptr && i < MIN((unsigned)s->max, RADIUS_SERVERS_MAX); i++) {
		if ((silent & 1u << i) == 0)
			continue;
		if (clock_is_past(now, c->dead_until[role][i]))
			log_err("radius.silent server=\"%s\" port=%u for=%s note=\"asked last for %u s\"",
				s->name[i], s->port[i], role == RADIUS_AUTH ? "authentication" : "accounting",
				RADIUS_DEAD_S);
		c->dead_until[role][i] = clock_add_s(now, RADIUS_DEAD_S);
	}
}

void radius_conf_inherit(struct radius_conf *to, const struct radius_conf *from)
{
	memcpy(to->dead_until, from->dead_until, sizeof to->dead_until);
}
