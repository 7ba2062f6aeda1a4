/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * connect - the request that opens the tunnel and the answer that configures it (protocol.md 9, 10, 11)
 *
 * Owner:  the caller; a connect_req holds the session cookie: wipe it.
 * Runs in: the worker.
 * Never:  allocates.
 */
#pragma once

#include "wire/http.h"
#include "wire/login.h"

constexpr size_t CONNECT_COOKIE_LEN = 32;
constexpr size_t CONNECT_SECRET_LEN = 48;
constexpr size_t CONNECT_ID_LEN = 32;

struct connect_req {
	bool has_cookie; /* false: absent or not one of ours; answer 401 */
	bool want_ipv4;
	bool want_ipv6;
	bool full_ipv6; /* takes X-CSTP-Address-IP6 */
	bool license_mobile;
	bool fips;         /* X-CSTP-FIPS-Mode: enabled */
	bool no_keepalive; /* X-CSTP-TCP-Keepalive: false */
	bool mobile;    /* by platform or agent: mobile-dpd */
	bool psk;       /* PSK-NEGOTIATE offered */
	bool psk13;     /* PSK-NEGOTIATE-13 offered: DTLS 1.3, ours alone */
	bool has_secret;
	enum login_client client;
	uint16_t base_mtu; /* 0: not told or out of 256..16384 */
	uint16_t mtu;
	uint8_t cookie[CONNECT_COOKIE_LEN];
	uint8_t secret[CONNECT_SECRET_LEN]; /* X-DTLS-Master-Secret */
	char hostname[64];                  /* letters, digits, hyphens; "" if not told */
	char user_agent[128];
	char device_type[64];
	char device_platform[64];
	char dtls_ciphers[512];   /* colon lists; "" if not told or longer */
	char dtls12_ciphers[1024];
	char encodings[64];       /* comma lists */
	char dtls_encodings[64];
};

/* From a complete CONNECT request.  Never fails: what cannot be used is as if it had not been sent. */
void connect_parse(struct connect_req *out, const struct http *h);
void connect_req_wipe(struct connect_req *r);
/* "/CSCOSSLC/tunnel", with or without the slash. */
bool connect_is_tunnel(struct slice path);

/* An address, or a net; family 0: none. */
struct connect_prefix {
	uint16_t family; /* AF_INET, AF_INET6 */
	uint8_t len;     /* bits */
	uint8_t addr[16];
};
struct connect_prefixes {
	const struct connect_prefix *v;
	size_t n;
};
struct connect_texts {
	const char *const *v;
	size_t n;
};

/* What the client's kind asks for; from connect_dialect_of. */
struct connect_dialect {
	bool full_ipv6; /* else the IPv6 address goes into X-CSTP-Address too */
	bool license;
	bool dns_ip6;   /* X-CSTP-DNS-IP6 for IPv6 name servers */
	bool no_keepalive; /* of TCP: the client was asked not to be woken */
	bool alert;     /* is told when to warn of the session's end */
	bool apple;     /* 2000::/3 where IPv6 would be the default route */
	bool no_ipv6_lists; /* no IPv6 routes and name servers (openconnect <= 3) */
};
struct connect_dialect connect_dialect_of(const struct connect_req *r);

/* Seconds; 0 is said in the comment. */
struct connect_timers {
	uint32_t dpd_s;               /* 0: no line */
	uint32_t keepalive_s;         /* 0: no line */
	uint32_t idle_s;              /* 0: "none" */
	uint32_t session_s;           /* 0: "none" */
	uint32_t session_remaining_s; /* no line if session_s is 0 */
	uint32_t rekey_s;             /* 0: no lines for rekeying */
	const char *rekey_method;     /* "ssl", "new-tunnel"; never "none" */
};

struct connect_dtls {
	bool enabled; /* false: not a line of X-DTLS */
	bool v13;     /* PSK-NEGOTIATE-13 */
	uint16_t port;
	uint8_t app_id[CONNECT_ID_LEN]; /* with a suite the session id */
	const char *suite; /* of a resumption, one that the client has listed; nullptr: PSK-NEGOTIATE */
	bool is_12;        /* it is one of X-DTLS12-CipherSuite: the answer has exactly one of the two */
	uint16_t mtu;      /* with a suite only: else the client computes it */
	uint32_t dpd_s;
	uint32_t keepalive_s;
	uint32_t rekey_s;
};

struct connect_reply {
	const char *server_name; /* texts: nullptr or "" is no line */
	const char *hostname;
	const char *default_domain;
	struct connect_prefix
		ipv4; /* nets and servers of a family without address are left out, but IPv4 servers */
	struct connect_prefix ipv6;
	struct connect_prefixes dns;
	struct connect_prefixes nbns;
	struct connect_texts split_dns;
	struct connect_prefixes
		routes; /* of a family none, or one of length 0: the default route; that of IPv4 is for both */
	struct connect_prefixes no_routes;
	bool tunnel_all_dns; /* said too where the default route is given */
	bool client_bypass;
	bool dyndns; /* the client resolves our name again when it reconnects */
	const char *proxy_url; /* MSIE-Proxy-Pac-URL, in both spellings */
	struct connect_timers timers;
	struct connect_texts headers; /* custom-header and included-http-headers: whole lines */
	struct connect_dtls dtls;
	uint16_t base_mtu;
	uint16_t mtu;
	const char *banner;
	const char *dtls_encoding; /* compression agreed on, by channel: nullptr is no line */
	const char *encoding;
	struct connect_dialect dialect;
};

/* The head of the answer with its blank line, in the order of 10.3; a bad line of headers fails the writer. */
void connect_emit(struct writer *w, const struct connect_reply *r);
/* A refusal with its blank line: 401, 404, 405, 503; reason (nullptr: none) goes into X-Reason. */
void connect_emit_refusal(struct writer *w, unsigned status, const char *reason);
