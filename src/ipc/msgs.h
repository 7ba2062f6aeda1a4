/* SPDX-License-Identifier: GPL-3.0-or-later */
/* msgs - numbers that the payloads of messages.proto carry; the table of messages is msgs.def */
#pragma once

#include "base/base.h"

enum ipc_role : uint8_t {
	ROLE_SUPERVISOR = 1 << 0,
	ROLE_KEEPER = 1 << 1,
	ROLE_WORKER = 1 << 2,
	ROLE_CONTROL = 1 << 3,
	ROLE_AUTH = 1 << 4,
	ROLE_METRICS = 1 << 5,
};

enum msg : uint16_t {
	MSG_NONE, /* never on the wire */
#define MSG(name, sender, receiver, phase, payload, fds) MSG_##name,
#include "ipc/msgs.def"
#undef MSG
	MSG_N
};

/* GuardChange.what */
enum msgs_guard : uint8_t { GUARD_UNBAN = 1, GUARD_BLOCK, GUARD_UNBLOCK };

/* FileGet.kind: files that only root can read and the keeper needs */
enum msgs_file : uint8_t {
	FILE_SERVER_CERT = 1,
	FILE_SERVER_KEY,
	FILE_PASSWD,
	FILE_OCSP = 160, /* ocsp-response */
	FILE_CA = 161,   /* ca-cert */
	FILE_CRL = 240,  /* crl */
	FILE_OTP = 200,  /* otp= of a method */
};

/* TicketKey */
constexpr size_t MSGS_TICKET_NAME_LEN = 16;
constexpr size_t MSGS_TICKET_KEY_LEN = 32; /* AES-256-GCM */

/* Cert.key_type */
enum msgs_key : uint8_t { KEY_RSA = 1, KEY_ECDSA, KEY_ED25519 };

/* Sign.scheme.  RSA_PKCS1: digest is a ready DigestInfo. */
enum msgs_sign : uint8_t { SIGN_ECDSA = 1, SIGN_RSA_PKCS1, SIGN_RSA_PSS, SIGN_ED25519 };

/* AuthDone.verdict */
enum msgs_verdict : uint8_t { VERDICT_OK = 1, VERDICT_MORE, VERDICT_DENIED };

/* BackDone.result.  BROKEN: the back end does not work; it is not the user's fault.  SSO: the browser is to go to sso_url. */
enum msgs_back : uint8_t { BACK_OK = 1, BACK_MORE, BACK_DENIED, BACK_BROKEN, BACK_SSO = 37 };

/* BackUse.results */
enum msgs_result : uint8_t {
	RESULT_OK,
	RESULT_DENIED,
	RESULT_QUESTION, /* it wants to know more */
	RESULT_BROKEN, /* it does not work */
	RESULTS_N
};

/* Auth.sso_can */
enum msgs_sso_can : uint8_t {
	SSO_CAN_EMBEDDED = 1 << 0, /* in a window of its own */
	SSO_CAN_EXTERNAL = 1 << 1, /* in the browser of the system, with a listener for the token */
	SSO_LIKES_EXTERNAL = 1 << 2, /* the latter, if it is left to the client */
};

/* Sso.step, BackBegin.sso_step: the browser begins; it comes back from the provider */
enum msgs_sso_step : uint8_t { SSO_START = 1, SSO_FINISH };

/* SsoDone.status */
enum msgs_sso_status : uint8_t {
	SSO_REDIRECT = 1, /* to the provider */
	SSO_PROVEN, /* here is the token */
	SSO_REFUSED, /* the provider or the user said no */
	SSO_BROKEN, /* the provider cannot be asked */
	SSO_UNKNOWN, /* no sign-on that we know, or not of this browser */
};

/* Acct.kind */
enum msgs_acct : uint8_t { ACCT_START = 1, ACCT_INTERIM, ACCT_STOP };

/* Event.kind */
enum msgs_event : uint8_t { EVENT_OPENED = 1, EVENT_CLOSED, EVENT_LOGIN_FAILED };

/* Script.kind */
enum msgs_script : uint8_t { SCRIPT_CONNECT = 1, SCRIPT_DISCONNECT, SCRIPT_HOST_UPDATE };

/* ScriptVar.name */
enum msgs_var : uint8_t {
	VAR_NONE, /* never on the wire */
#define SCRIPT_VAR(name) VAR_##name,
#include "ipc/script.def"
	VARS_N
};

/* Why a connection of a session ended (Closed, SessionClose); decides how long its cookie lives: protocol.md 18 */
enum msgs_cause : uint8_t {
	CAUSE_NETWORK = 1, /* connection lost, DPD, error */
	CAUSE_USER, /* client sent DISCONNECT with 0xb0 */
	CAUSE_TEMPORARY, /* client sent DISCONNECT with another reason: it comes back */
	CAUSE_IDLE, /* idle-timeout */
	CAUSE_SESSION_TIMEOUT, /* session-timeout */
	CAUSE_ADMIN, /* occtl disconnect */
	CAUSE_TERMINATED, /* occtl terminate */
	CAUSE_REPLACED, /* the same cookie connected again */
	CAUSE_SHUTDOWN, /* the server stops */
	CAUSE_WORKER_LOST, /* its worker died */
	CAUSE_QUOTA, /* traffic-quota is used up */
	CAUSE_EXPIRED, /* expire-date has come */
	CAUSES_N
};
