/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/priority.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

constexpr size_t WORD_MAX = 63;

enum exchange : uint8_t { TLS13 = 0, ECDHE_ECDSA = 1 << 0, ECDHE_RSA = 1 << 1 };
enum mac : uint8_t { AEAD = 1 << 0, SHA1 = 1 << 1, SHA256 = 1 << 2, SHA384 = 1 << 3 };

constexpr uint8_t GCM_AND_CHACHA = PRIORITY_AES_128_GCM | PRIORITY_AES_256_GCM | PRIORITY_CHACHA20_POLY1305;
constexpr uint8_t BITS_256 = PRIORITY_AES_256_GCM | PRIORITY_CHACHA20_POLY1305;
constexpr uint8_t CBC = PRIORITY_AES_128_CBC | PRIORITY_AES_256_CBC;
constexpr uint8_t ALL_EXCHANGES = ECDHE_ECDSA | ECDHE_RSA;
constexpr uint8_t ALL_MACS = AEAD | SHA1 | SHA256 | SHA384;
constexpr uint8_t ALL_TLS = PRIORITY_TLS12 | PRIORITY_TLS13;
constexpr uint8_t ALL_DTLS = PRIORITY_DTLS12 | PRIORITY_DTLS13;

static const struct {
	uint16_t number;
	const char *name;
	uint8_t exchange, cipher, mac;
} suites[] = {
#define SUITE(number, name, exchange, cipher, mac) { number, name, exchange, PRIORITY_##cipher, mac },
#include "config/suite.def"
};
static_assert(ARRAY_LEN(suites) <= PRIORITY_SUITES_MAX);

/* Groups by bit, best first.  The hybrid protects today's traffic from tomorrow's quantum computer; X25519 costs a third of
 * P-256; P-521 only if it is named. */
constexpr uint16_t GROUP_P256 = 23, GROUP_P384 = 24, GROUP_P521 = 25;
enum group : uint8_t { MLKEM = 1 << 0, X25519 = 1 << 1, P256 = 1 << 2, P384 = 1 << 3, P521 = 1 << 4 };
static const struct {
	uint8_t group;
	uint16_t number;
} groups[] = {
	{ MLKEM, 0x11ec }, { X25519, 29 }, { P256, GROUP_P256 }, { P384, GROUP_P384 }, { P521, GROUP_P521 },
};
static_assert(ARRAY_LEN(groups) <= PRIORITY_GROUPS_MAX);
constexpr uint8_t DEFAULT_GROUPS = MLKEM | X25519 | P256 | P384;

/* The string so far. */
struct state {
	uint8_t versions, ciphers, exchanges, macs, groups;
	bool no_tickets;
};

static const struct {
	const char *name;
	struct state set;
} keywords[] = {
	{ "NORMAL", { ALL_TLS | ALL_DTLS, GCM_AND_CHACHA, ALL_EXCHANGES, ALL_MACS, DEFAULT_GROUPS, false } },
	{ "PFS", { ALL_TLS | ALL_DTLS, GCM_AND_CHACHA, ALL_EXCHANGES, ALL_MACS, DEFAULT_GROUPS, false } },
	{ "PERFORMANCE",
	  { ALL_TLS | ALL_DTLS, GCM_AND_CHACHA, ALL_EXCHANGES, ALL_MACS, DEFAULT_GROUPS, false } },
	{ "SECURE128",
	  { ALL_TLS | ALL_DTLS, GCM_AND_CHACHA, ALL_EXCHANGES, ALL_MACS, DEFAULT_GROUPS, false } },
	{ "SECURE192",
	  { ALL_TLS | ALL_DTLS, BITS_256, ALL_EXCHANGES, AEAD | SHA384, MLKEM | P384 | P521, false } },
	{ "SECURE256", { ALL_TLS | ALL_DTLS, BITS_256, ALL_EXCHANGES, AEAD | SHA384, P521, false } },
	{ "SUITEB128",
	  { PRIORITY_TLS12 | ALL_DTLS, PRIORITY_AES_128_GCM | PRIORITY_AES_256_GCM, ECDHE_ECDSA, AEAD,
	    P256 | P384, false } },
	{ "SUITEB192", { PRIORITY_TLS12 | ALL_DTLS, PRIORITY_AES_256_GCM, ECDHE_ECDSA, AEAD, P384, false } },
	{ "NONE", {} },
};

enum what : uint8_t {
	VERSION,
	CIPHER,
	EXCHANGE,
	MAC,
	GROUP,
	OFFERED, /* always there: adding says nothing new, removing is an error */
	NEVER, /* never there: removing says nothing new, adding is an error */
	NEUTRAL, /* of no meaning here, either way */
};

/* A word behind '+', '-' or '!'; a name that ends in '*' stands for all that begin so. */
static const struct {
	const char *name;
	enum what what;
	uint8_t bits; /* of the set of what */
	const char *cure; /* of the error of OFFERED or NEVER */
} words[] = {
	{ "VERS-ALL", VERSION, ALL_TLS,
	  nullptr }, /* DTLS keys come out of the TLS connection: only by its own name */
	{ "VERS-TLS-ALL", VERSION, ALL_TLS, nullptr },
	{ "VERS-DTLS-ALL", VERSION, ALL_DTLS, nullptr },
	{ "VERS-TLS1.3", VERSION, PRIORITY_TLS13, nullptr },
	{ "VERS-TLS1.2", VERSION, PRIORITY_TLS12, nullptr },
	{ "VERS-DTLS1.2", VERSION, PRIORITY_DTLS12, nullptr },
	{ "VERS-DTLS1.3", VERSION, PRIORITY_DTLS13, nullptr },
	{ "VERS-TLS1.1", NEVER, 0,
	  "TLS 1.1 is broken (RFC 8996) and not in the TLS library; remove the word" },
	{ "VERS-TLS1.0", NEVER, 0,
	  "TLS 1.0 is broken (RFC 8996) and not in the TLS library; remove the word" },
	{ "VERS-SSL3.0", NEVER, 0, "SSL 3.0 is broken (RFC 7568); remove the word" },
	{ "VERS-DTLS1.0", NEVER, 0,
	  "DTLS 1.0 is broken (RFC 8996) and not in the TLS library; remove the word" },
	{ "VERS-DTLS0.9", NEVER, 0, "DTLS 0.9 is not chosen here; remove the word" },

	{ "CIPHER-ALL", CIPHER, GCM_AND_CHACHA, nullptr },
	{ "AES-128-GCM", CIPHER, PRIORITY_AES_128_GCM, nullptr },
	{ "AES-256-GCM", CIPHER, PRIORITY_AES_256_GCM, nullptr },
	{ "CHACHA20-POLY1305", CIPHER, PRIORITY_CHACHA20_POLY1305, nullptr },
	{ "AES-128-CBC", CIPHER, PRIORITY_AES_128_CBC, nullptr },
	{ "AES-256-CBC", CIPHER, PRIORITY_AES_256_CBC, nullptr },
	{ "AES-192-CBC", NEVER, 0, "no TLS suite uses it; write +AES-256-GCM" },
	{ "AES-*", NEVER, 0, "CCM modes are not offered; write +AES-128-GCM or +AES-256-GCM" },
	{ "CAMELLIA-*", NEVER, 0, "Camellia is not offered; write +AES-256-GCM" },
	{ "3DES-CBC", NEVER, 0, "3DES is broken (CVE-2016-2183); write +AES-128-CBC for old clients" },
	{ "ARCFOUR*", NEVER, 0, "RC4 is broken (RFC 7465); write +AES-128-CBC for old clients" },
	{ "DES-*", NEVER, 0, "DES is broken; write +AES-128-CBC for old clients" },
	{ "RC2-*", NEVER, 0, "RC2 is broken; remove the word" },
	{ "SALSA20*", NEVER, 0, "no TLS suite uses it; remove the word" },
	{ "ESTREAM*", NEVER, 0, "no TLS suite uses it; remove the word" },
	{ "GOST*", NEVER, 0, "GOST is not offered; remove the word" },
	{ "MAGMA*", NEVER, 0, "GOST is not offered; remove the word" },
	{ "KUZNYECHIK*", NEVER, 0, "GOST is not offered; remove the word" },
	{ "NULL", NEVER, 0, "it would not encrypt; remove the word" },

	{ "KX-ALL", EXCHANGE, ALL_EXCHANGES, nullptr },
	{ "ECDHE-RSA", EXCHANGE, ECDHE_RSA, nullptr },
	{ "ECDHE-ECDSA", EXCHANGE, ECDHE_ECDSA, nullptr },
	{ "ECDHE-PSK", NEUTRAL, 0, nullptr }, /* of DTLS: option dtls-psk */
	{ "PSK", NEUTRAL, 0, nullptr },
	{ "RSA", NEVER, 0, "static RSA has no forward secrecy; write +ECDHE-RSA" },
	{ "RSA-EXPORT", NEVER, 0, "it is broken; write +ECDHE-RSA" },
	{ "RSA-PSK", NEVER, 0, "it has no forward secrecy; remove the word" },
	{ "DHE-*", NEVER, 0, "finite-field Diffie-Hellman is not offered; write +ECDHE-RSA" },
	{ "ANON-*", NEVER, 0, "it does not prove who the server is; write +ECDHE-RSA" },
	{ "SRP*", NEVER, 0, "SRP is not offered; write +ECDHE-RSA" },
	{ "VKO-*", NEVER, 0, "GOST is not offered; write +ECDHE-RSA" },

	{ "MAC-ALL", MAC, ALL_MACS, nullptr },
	{ "AEAD", MAC, AEAD, nullptr },
	{ "SHA1", MAC, SHA1, nullptr },
	{ "SHA256", MAC, SHA256, nullptr },
	{ "SHA384", MAC, SHA384, nullptr },
	{ "SHA512", NEUTRAL, 0, nullptr }, /* no suite has it */
	{ "SHA224", NEUTRAL, 0, nullptr },
	{ "UMAC-*", NEUTRAL, 0, nullptr },
	{ "MD5", NEVER, 0, "MD5 is broken; remove the word" },

	{ "GROUP-ALL", GROUP, DEFAULT_GROUPS | P521, nullptr },
	{ "GROUP-EC-ALL", GROUP, X25519 | P256 | P384 | P521, nullptr },
	{ "GROUP-DH-ALL", NEVER, 0, "finite-field Diffie-Hellman is not offered; write +GROUP-X25519" },
	{ "GROUP-X25519", GROUP, X25519, nullptr },
	{ "GROUP-SECP256R1", GROUP, P256, nullptr },
	{ "GROUP-SECP384R1", GROUP, P384, nullptr },
	{ "GROUP-SECP521R1", GROUP, P521, nullptr },
	{ "GROUP-X25519-MLKEM768", GROUP, MLKEM, nullptr },
	{ "GROUP-*", NEVER, 0, "this group is not offered; write +GROUP-X25519 or +GROUP-SECP256R1" },
	{ "CURVE-ALL", GROUP, X25519 | P256 | P384 | P521, nullptr },
	{ "CURVE-X25519", GROUP, X25519, nullptr },
	{ "CURVE-SECP256R1", GROUP, P256, nullptr },
	{ "CURVE-SECP384R1", GROUP, P384, nullptr },
	{ "CURVE-SECP521R1", GROUP, P521, nullptr },
	{ "CURVE-*", NEVER, 0, "this curve is not offered; write +GROUP-X25519 or +GROUP-SECP256R1" },

	/* what is signed follows the certificate: the server's kind of key and what the client takes */
	{ "SIGN-RSA-MD5", NEVER, 0, "MD5 is broken; remove the word" },
	{ "SIGN-*-SHA1", NEVER, 0, "SHA-1 signatures are not made; remove the word" },
	{ "SIGN-RSA-SHA1", NEVER, 0, "SHA-1 signatures are not made; remove the word" },
	{ "SIGN-ECDSA-SHA1", NEVER, 0, "SHA-1 signatures are not made; remove the word" },
	{ "SIGN-DSA-*", NEVER, 0, "DSA is not offered; remove the word" },
	{ "SIGN-*-SHA224", NEVER, 0, "SHA-224 signatures are not made; remove the word" },
	{ "SIGN-RSA-SHA224", NEVER, 0, "SHA-224 signatures are not made; remove the word" },
	{ "SIGN-ECDSA-SHA224", NEVER, 0, "SHA-224 signatures are not made; remove the word" },
	{ "SIGN-GOST*", NEVER, 0, "GOST is not offered; remove the word" },
	{ "SIGN-*", OFFERED, 0,
	  "signatures follow the key of server-cert and cannot be chosen here; remove the word and give the server "
	  "the certificate you want" },

	{ "CTYPE-ALL", OFFERED, 0, "X.509 is the only kind of certificate; remove the word" },
	{ "CTYPE-X509", OFFERED, 0, "X.509 is the only kind of certificate; remove the word" },
	{ "CTYPE-X.509", OFFERED, 0, "X.509 is the only kind of certificate; remove the word" },
	{ "CTYPE-*", NEVER, 0, "X.509 is the only kind of certificate; remove the word" },
	{ "COMP-NULL", OFFERED, 0, "TLS is never compressed; remove the word" },
	{ "COMP-ALL", NEUTRAL, 0, nullptr },
	{ "COMP-*", NEVER, 0, "compression below TLS is broken (CVE-2012-4929); remove the word" },
};

/* Words behind '%'; those that the server does anyway or that concern clients only have no effect. */
static const struct {
	const char *name;
	const char *cure; /* nullptr: accepted */
} flags[] = {
	{ "COMPAT", nullptr },
	{ "SERVER_PRECEDENCE", nullptr }, /* always so */
	{ "SAFE_RENEGOTIATION", nullptr }, /* always so: nobody may renegotiate at all */
	{ "PARTIAL_RENEGOTIATION", nullptr },
	{ "UNSAFE_RENEGOTIATION", "renegotiation is never done; remove the word" },
	{ "DISABLE_SAFE_RENEGOTIATION", "clients demand it; remove the word" },
	{ "NO_TICKETS", nullptr },
	{ "NO_TICKETS_TLS12", nullptr },
	{ "NO_EXTENSIONS", "SNI, ALPN and TLS 1.3 need extensions; remove the word" },
	{ "FORCE_ETM", nullptr }, /* of CBC only, and used with every client that can */
	{ "NO_ETM", "it weakens CBC ciphers; remove the word" },
	{ "FORCE_SESSION_HASH", nullptr },
	{ "NO_SESSION_HASH", "it permits the triple handshake attack; remove the word" },
	{ "DISABLE_WILDCARDS", nullptr },
	{ "DISABLE_TLS13_COMPAT_MODE", nullptr },
	{ "ALLOW_SMALL_RECORDS", nullptr },
	{ "DUMBFW", nullptr },
	{ "FALLBACK_SCSV", nullptr },
	{ "LATEST_RECORD_VERSION", nullptr },
	{ "SSL3_RECORD_VERSION", nullptr },
	{ "STATELESS_COMPRESSION", nullptr },
	{ "GNUTLS_FORCE_SESSION_HASH", nullptr },
	{ "VERIFY_*", nullptr }, /* of certificates that are checked, not of ours */
	{ "PROFILE_*", nullptr },
};

static enum err refuse(struct config_why *why, const char *word, const char *cure)
{
	config_why_set(why, "%s: %s", word, cure);
	return ERR_SYNTAX;
}

static bool is_name(const char *word, const char *name)
{
	const char *star = strchr(name, '*');
	if (star == nullptr)
		return strcasecmp(word, name) == 0;
	size_t head = (size_t)(star - name), tail = strlen(star + 1), len = strlen(word);
	return len >= head + tail && strncasecmp(word, name, head) == 0 &&
	       strcasecmp(word + len - tail, star + 1) == 0;
}

static const struct state *find_keyword(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (strcasecmp(word, keywords[i].name) == 0)
			return &keywords[i].set;
	return nullptr;
}

static void add(struct state *s, const struct state *more)
{
	s->versions |= more->versions;
	s->ciphers |= more->ciphers;
	s->exchanges |= more->exchanges;
	s->macs |= more->macs;
	s->groups |= more->groups;
}

/* "@SYSTEM", "@NAME,FALLBACK": a policy of the whole machine; what GnuTLS would read is not ours, so the default stands for it. */
static enum err take_system(struct state *s, const char *word, struct config_why *why)
{
	const char *comma = strchr(word, ',');
	if (strcasecmp(word, "@SYSTEM") == 0 || (comma != nullptr && strncasecmp(word, "@SYSTEM,", 8) == 0)) {
		*s = *find_keyword("NORMAL");
		return ERR_OK;
	}
	const struct state *fallback = comma != nullptr ? find_keyword(comma + 1) : nullptr;
	if (fallback == nullptr)
		return refuse(why, word,
			      "a keyword of GnuTLS' own configuration is not known here; write NORMAL");
	*s = *fallback;
	return ERR_OK;
}

static enum err take_first(struct state *s, const char *word, struct config_why *why)
{
	if (word[0] == '@')
		return take_system(s, word, why);
	const struct state *set = find_keyword(word);
	if (set == nullptr)
		return refuse(
			why, word,
			"a priority string begins with NORMAL, SECURE128, SECURE192, SECURE256, PERFORMANCE, PFS, "
			"SUITEB128, SUITEB192, NONE or @SYSTEM");
	*s = *set;
	return ERR_OK;
}

static enum err take_flag(struct state *s, const char *word, struct config_why *why)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (!is_name(word + 1, flags[i].name))
			continue;
		if (flags[i].cure != nullptr)
			return refuse(why, word, flags[i].cure);
		s->no_tickets |= strncasecmp(word + 1, "NO_TICKETS", 10) == 0;
		return ERR_OK;
	}
	return refuse(why, word, "not a word of GnuTLS priority strings; correct or remove it");
}

static uint8_t *set_of(struct state *s, enum what what)
{
	switch (what) {
	case VERSION: return &s->versions;
	case CIPHER: return &s->ciphers;
	case EXCHANGE: return &s->exchanges;
	case MAC: return &s->macs;
	case GROUP: return &s->groups;
	case OFFERED:
	case NEVER:
	case NEUTRAL: break;
	}
	return nullptr;
}

static enum err take_change(struct state *s, const char *word, struct config_why *why)
{
	const bool adds = word[0] == '+';
	const struct state *set = find_keyword(word + 1);
	if (set != nullptr && adds) {
		add(s, set);
		return ERR_OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!is_name(word + 1, words[i].name))
			continue;
		uint8_t *bits = set_of(s, words[i].what);
		if (words[i].what == (adds ? NEVER : OFFERED))
			return refuse(why, word, words[i].cure);
		if (bits == nullptr)
			return ERR_OK;
		/* CBC is not among "all" that is added, but is among all that is removed */
		uint8_t all = words[i].bits | (!adds && strcasecmp(word + 1, "CIPHER-ALL") == 0 ? CBC : 0);
		*bits = adds ? *bits | all : *bits & (uint8_t)~all;
		return ERR_OK;
	}
	return refuse(why, word, "not a word of GnuTLS priority strings; correct or remove it");
}

static enum err take_word(struct state *s, const char *word, bool is_first, struct config_why *why)
{
	if (is_first)
		return take_first(s, word, why);
	switch (word[0]) {
	case '%': return take_flag(s, word, why);
	case '+':
	case '-':
	case '!': return take_change(s, word, why);
	default:
		return refuse(why, word,
			      "expected a word that begins with +, - or %; only the first has no sign");
	}
}

/* {{ the result }} */

static void list(struct priority *p, const struct state *s)
{
	*p = (struct priority){ .versions = s->versions, .ciphers = s->ciphers, .no_tickets = s->no_tickets };
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		bool is_13 = suites[i].exchange == TLS13;
		uint8_t version = is_13 ? PRIORITY_TLS13 : PRIORITY_TLS12;
		if ((s->versions & version) != 0 && (s->ciphers & suites[i].cipher) != 0 &&
		    (s->macs & suites[i].mac) != 0 && (is_13 || (s->exchanges & suites[i].exchange) != 0))
			p->suites[p->suites_n++] = suites[i].number;
	}
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if ((s->groups & groups[i].group) != 0)
			p->groups[p->groups_n++] = groups[i].number;
}

static bool is_tls13(uint16_t suite)
{
	return suite >> 8 == 0x13;
}

/* A version without a suite is none. */
static void drop_empty(struct priority *p)
{
	size_t n13 = 0;
	for (size_t i = 0; i < p->suites_n; i++)
		n13 += is_tls13(p->suites[i]);
	if (n13 == 0)
		p->versions &= (uint8_t)~PRIORITY_TLS13;
	if (n13 == p->suites_n)
		p->versions &= (uint8_t)~PRIORITY_TLS12;
	if ((p->ciphers & GCM_AND_CHACHA) == 0)
		p->versions &= (uint8_t)~ALL_DTLS;
}

static enum err check(const struct priority *p, const struct state *s, struct config_why *why)
{
	const char *problem = nullptr;
	if ((s->versions & ALL_TLS) == 0)
		problem = "no version of TLS is left; write +VERS-TLS1.3 or +VERS-TLS1.2";
	else if (s->ciphers == 0)
		problem = "no cipher is left; write +AES-128-GCM or +AES-256-GCM";
	else if (p->suites_n == 0)
		problem =
			"no cipher suite is left of these versions, ciphers, key exchanges and MACs; write +AEAD and "
			"+ECDHE-RSA or +ECDHE-ECDSA";
	else if (p->groups_n == 0)
		problem = "no group is left; write +GROUP-X25519 or +GROUP-SECP256R1";
	if (problem == nullptr)
		return ERR_OK;
	config_why_set(why, "%s", problem);
	return ERR_SYNTAX;
}

enum err priority_parse(struct priority *out, const char *text, struct config_why *why)
{
	struct state s = *find_keyword("NORMAL");
	bool is_first = true;
	for (const char *at = text != nullptr ? text : ""; *at != '\0';) {
		size_t len = strcspn(at, ":");
		char word[WORD_MAX + 1];
		if (len > WORD_MAX) {
			config_why_set(why, "a word of more than %zu characters; words have ':' between them",
				       WORD_MAX);
			return ERR_SYNTAX;
		}
		snprintf(word, sizeof word, "%.*s", (int)len, at);
		at += len + (at[len] == ':');
		if (len == 0)
			continue; /* "NORMAL:" and "NORMAL::-X" are accepted by GnuTLS too */
		TRY(take_word(&s, word, is_first, why));
		is_first = false;
	}
	struct priority p;
	list(&p, &s);
	TRY(check(&p, &s, why));
	drop_empty(&p);
	*out = p;
	return ERR_OK;
}

static size_t find_suite(uint16_t number)
{
	size_t i = 0;
	while (i < ARRAY_LEN(suites) && suites[i].number != number)
		i++;
	return i;
}

bool priority_drop_tls13(struct priority *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->suites_n; i++)
		if (!is_tls13(p->suites[i]))
			p->suites[n++] = p->suites[i];
	if (n == 0)
		return false;
	p->suites_n = n;
	p->versions &= (uint8_t)~PRIORITY_TLS13;
	return true;
}

bool priority_keep_approved(struct priority *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->suites_n; i++) {
		size_t at = find_suite(p->suites[i]);
		if (suites[at].cipher != PRIORITY_CHACHA20_POLY1305 && suites[at].mac != SHA1)
			p->suites[n++] = p->suites[i];
	}
	p->suites_n = n;
	n = 0;
	for (size_t i = 0; i < p->groups_n; i++)
		if (p->groups[i] == GROUP_P256 || p->groups[i] == GROUP_P384 || p->groups[i] == GROUP_P521)
			p->groups[n++] = p->groups[i];
	p->groups_n = n;
	p->ciphers &= (uint8_t)~PRIORITY_CHACHA20_POLY1305;
	drop_empty(p);
	return p->suites_n > 0 && p->groups_n > 0;
}

static void append(char out[PRIORITY_NAMES_MAX], size_t *len, const char *name)
{
	int n = snprintf(out + *len, PRIORITY_NAMES_MAX - *len, "%s%s", *len > 0 ? ":" : "", name);
	assert(n > 0 && *len + (size_t)n < PRIORITY_NAMES_MAX);
	*len += (size_t)n;
}

void priority_names(const struct priority *p, char out[PRIORITY_NAMES_MAX])
{
	size_t len = 0;
	out[0] = '\0';
	for (size_t i = 0; i < p->suites_n; i++)
		append(out, &len, suites[find_suite(p->suites[i])].name);
}

void priority_dtls_names(const struct priority *p, char out[PRIORITY_NAMES_MAX])
{
	static const struct {
		uint8_t cipher;
		const char *name;
	} all[] = { { PRIORITY_AES_128_GCM, "PSK-AES128-GCM-SHA256" },
		    { PRIORITY_AES_256_GCM, "PSK-AES256-GCM-SHA384" },
		    { PRIORITY_CHACHA20_POLY1305, "PSK-CHACHA20-POLY1305" },
		    { PRIORITY_CHACHA20_POLY1305, "ECDHE-PSK-CHACHA20-POLY1305" } };
	size_t len = 0;
	out[0] = '\0';
	for (size_t i = 0; (p->versions & PRIORITY_DTLS12) != 0 && i < ARRAY_LEN(all); i++)
		if ((p->ciphers & all[i].cipher) != 0)
			append(out, &len, all[i].name);
}

bool priority_suite_is_ecdsa(uint16_t suite)
{
	size_t i = find_suite(suite);
	return i < ARRAY_LEN(suites) && suites[i].exchange == ECDHE_ECDSA;
}

bool priority_suite_is_rsa(uint16_t suite)
{
	size_t i = find_suite(suite);
	return i < ARRAY_LEN(suites) && suites[i].exchange == ECDHE_RSA;
}

bool priority_has_suite(const struct priority *p, uint16_t suite)
{
	for (size_t i = 0; i < p->suites_n; i++)
		if (p->suites[i] == suite)
			return true;
	return false;
}
