/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/caps.h"

#include <cap-ng.h>
#include <sys/prctl.h>

#include "base/log.h"

/*
 * Gone with the rest, because their work is done by now: NET_BIND_SERVICE (ports are bound), BPF and PERFMON (programs are
 * loaded), SYS_RESOURCE (limits are raised), DAC_OVERRIDE and CHOWN (pid file and occtl socket exist), SYS_ADMIN, SYS_PTRACE.
 */
static const unsigned kept[] = {
	CAP_DAC_READ_SEARCH, /* key and password files may belong to others */
	CAP_KILL,            /* children have other users */
	CAP_SETGID,          /* a child that is started again changes its group, */
	CAP_SETUID,          /* its user, */
	CAP_SETPCAP,         /* and empties its bounding set */
	CAP_NET_ADMIN,       /* the TUN device; scripts of clients change routes and firewall */
};

/* Not the supervisor's own need: it must have what the auth process is to get. */
static const int pam_caps[] = { CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,
				CAP_SETGID, CAP_SETUID,       CAP_AUDIT_WRITE,     -1 };
static const int network_caps[] = { CAP_DAC_READ_SEARCH, -1 };

const int *caps_of_auth(bool with_pam)
{
	return with_pam ? pam_caps : network_caps;
}

static bool keep(unsigned cap)
{
	return capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, cap) == 0;
}

/* Not for us but for scripts: what the rules of firewalls and files of others need.  Exec by root gives what is in the bounding set. */
static const unsigned script_caps[] = { CAP_NET_RAW, CAP_DAC_OVERRIDE, CAP_CHOWN, CAP_FOWNER };

enum err caps_narrow(bool traceable, bool with_pam, bool with_scripts)
{
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (!keep(kept[i]))
			return ERR_SYS;
	for (const int *cap = pam_caps; with_pam && *cap >= 0; cap++)
		if (!keep((unsigned)*cap))
			return ERR_SYS;
	for (size_t i = 0; with_scripts && i < ARRAY_LEN(script_caps); i++)
		if (capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, script_caps[i]) != 0)
			return ERR_SYS;
	if (capng_apply(CAPNG_SELECT_ALL) != 0) {
		log_err("caps.failed: the supervisor cannot give up what it does not need; start as root with CAP_SETPCAP");
		return ERR_SYS;
	}
	if (!traceable && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return ERR_SYS;
	return ERR_OK;
}
