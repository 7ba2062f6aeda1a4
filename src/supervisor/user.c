/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/user.h"

#include <grp.h>
#include <pwd.h>

#include "base/log.h"

static enum err find(struct user *out, const char *key, const char *name, const char *group, uid_t fallback)
{
	struct user u = { fallback, fallback };
	const struct passwd *p = name == nullptr ? nullptr : getpwnam(name);
	if (p != nullptr)
		u = (struct user){ p->pw_uid, p->pw_gid };
	else
		log_warn(
			"user.missing %s=%s does not exist: using number %u; add it with 'useradd --system %s'",
			key, name == nullptr ? "" : name, fallback, name == nullptr ? "NAME" : name);
	const struct group *g = group == nullptr ? nullptr : getgrnam(group);
	if (g != nullptr)
		u.gid = g->gr_gid;
	else if (group != nullptr)
		log_warn("user.group_missing run-as-group=%s does not exist: using number %u", group, u.gid);
	if (u.uid == 0 || u.gid == 0) {
		log_err("user.root %s=%s is root or in its group: name another account", key,
			name == nullptr ? "" : name);
		return ERR_DENIED;
	}
	*out = u;
	return ERR_OK;
}

enum err user_of_role(struct user *out, const struct config *c, enum ipc_role role)
{
	switch (role) {
	case ROLE_KEEPER: return find(out, "keeper-user", c->keeper_user, nullptr, USER_KEEPER_ID);
	case ROLE_WORKER: return find(out, "run-as-user", c->run_as_user, c->run_as_group, USER_WORKER_ID);
	case ROLE_CONTROL: return find(out, "control-user", c->control_user, nullptr, USER_CONTROL_ID);
	case ROLE_METRICS: return find(out, "metrics-user", c->metrics_user, nullptr, USER_METRICS_ID);
	case ROLE_AUTH: *out = (struct user){ 0, 0 }; return ERR_OK; /* PAM reads /etc/shadow; see caps.c */
	case ROLE_SUPERVISOR: break;
	}
	return ERR_RANGE;
}
