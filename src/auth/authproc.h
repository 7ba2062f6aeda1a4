/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * authproc - all that the auth process owns; a first argument, never a global
 *
 * It does for the keeper what needs files, libraries and the network: PAM, RADIUS, LDAP, Kerberos, OpenID Connect and SAML, logins and accounting.  It holds no
 * key, cookie or list of users.  Each conversation is a child of its own (task.h), so that a module that hangs or crashes
 * takes one login with it.
 *
 * Owner:    main().
 */
#pragma once

#include "auth/directory_conf.h"
#include "auth/oidc_conf.h"
#include "auth/radius_conf.h"
#include "auth/saml_conf.h"
#include "auth/task.h"
#include "config/config.h"
#include "ipc/ipc.h"

/* One generation of the configuration, as it is used here. */
struct methods {
	uint32_t number; /* 0: none */
	struct config *cfg;
	struct radius_conf **radius; /* of radius_n, one a file */
	size_t radius_n;
	struct oidc_conf **oidc; /* of oidc_n, one a file and use */
	size_t oidc_n;
	struct saml_conf **saml; /* of saml_n, one a file */
	size_t saml_n;
	struct directory_conf **directories; /* of ldap, one a file */
	size_t directories_n;
};

/* Read the files that the configuration names.  ERR_CONFIG: problem tells what is wrong. */
enum err methods_init(struct methods *e, uint32_t number, struct config *cfg, char *problem, size_t cap);
void methods_fini(struct methods *e);
/* The one of a method; nullptr: it is not of RADIUS, of LDAP. */
struct radius_conf *methods_radius(const struct methods *e, const struct auth_method *m);
struct directory_conf *methods_directory(const struct methods *e, const struct auth_method *m);
/* nullptr: it is not of OpenID Connect. */
struct oidc_conf *methods_oidc(const struct methods *e, const struct auth_method *m);
/* nullptr: it is not of SAML. */
struct saml_conf *methods_saml(const struct methods *e, const struct auth_method *m);
/* What is known of servers survives a reload. */
void methods_inherit(struct methods *to, const struct methods *from);

struct authproc {
	uv_loop_t *loop;
	uv_timer_t tick;
	struct ipc *supervisor, *keeper;
	struct methods now, next, before;
	struct tasks tasks;
	struct mono stop_until; /* ns 0: not stopping */
};

/* What the child of a task does; it never returns. */
void back_run(void *ctx, const struct task *t, int fd);
/* Handlers of the keeper's channel. */
extern ipc_handler *const back_handlers[MSG_N];
void back_answer(void *ctx, const struct task *t, ProtobufCMessage *body);
