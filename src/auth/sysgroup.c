/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/sysgroup.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "auth/fact.h"

constexpr int GROUPS_MAX = 4096;

static enum err add_group(Msg__Facts *f, gid_t gid)
{
	const struct group *g = getgrgid(gid);
	return g != nullptr ? fact_add_text(&f->groups, &f->n_groups, g->gr_name, strlen(g->gr_name))
			    : ERR_OK;
}

enum err sysgroup_read(Msg__Facts *f, const char *user, uint32_t gid_min)
{
	static gid_t gids[GROUPS_MAX];
	int n = GROUPS_MAX;
	const struct passwd *p = getpwnam(user);
	if (p == nullptr)
		return ERR_OK; /* known to a module only */
	if (getgrouplist(user, p->pw_gid, gids, &n) < 0)
		return ERR_RANGE;
	for (int i = 0; i < n; i++)
		if (gids[i] >= gid_min)
			TRY(add_group(f, gids[i]));
	return ERR_OK;
}
