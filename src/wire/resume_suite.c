/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/resume_suite.h"

#include "wire/dtls.h"
#include "wire/mtu.h"

#define GCM128(name, kx, id, rank, is_12)     \
	{ name,                               \
	  "(DTLS1.2)-(" kx ")-(AES-128-GCM)", \
	  id,                                 \
	  DTLS_VERSION_12,                    \
	  rank,                               \
	  is_12,                              \
	  RESUME_PRF_SHA256,                  \
	  RECORD_AES128_GCM,                  \
	  16 }
#define GCM256(name, kx, id, rank, is_12)     \
	{ name,                               \
	  "(DTLS1.2)-(" kx ")-(AES-256-GCM)", \
	  id,                                 \
	  DTLS_VERSION_12,                    \
	  rank,                               \
	  is_12,                              \
	  RESUME_PRF_SHA384,                  \
	  RECORD_AES256_GCM,                  \
	  32 }
#define CBC(name, kx, bits, id, rank)                      \
	{ name,                                            \
	  "(DTLS1.2)-(" kx ")-(AES-" #bits "-CBC)-(SHA1)", \
	  id,                                              \
	  DTLS_VERSION_12,                                 \
	  rank,                                            \
	  true,                                            \
	  RESUME_PRF_SHA256,                               \
	  RECORD_NONE,                                     \
	  bits / 8 }
#define OLD(name, kx, bits, id, rank)                      \
	{ name,                                            \
	  "(DTLS0.9)-(" kx ")-(AES-" #bits "-CBC)-(SHA1)", \
	  id,                                              \
	  DTLS_VERSION_BAD,                                \
	  rank,                                            \
	  false,                                           \
	  RESUME_PRF_TLS10,                                \
	  RECORD_NONE,                                     \
	  bits / 8 }

/* Ranks of the first four and of the OC- ones as ocserv has them; the others below the AEAD ones, larger key first. */
const struct resume_suite resume_suites[] = {
	GCM256("AES256-GCM-SHA384", "RSA", 0x009d, 90, true),
	GCM256("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA", 0xc030, 80, true),
	GCM256("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA", 0xc02c, 79, true),
	GCM256("DHE-RSA-AES256-GCM-SHA384", "DHE-RSA", 0x009f, 78, true),
	GCM128("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA", 0xc02f, 70, true),
	GCM128("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA", 0xc02b, 69, true),
	GCM128("DHE-RSA-AES128-GCM-SHA256", "DHE-RSA", 0x009e, 68, true),
	GCM128("AES128-GCM-SHA256", "RSA", 0x009c, 50, true),
	CBC("DHE-RSA-AES256-SHA", "DHE-RSA", 256, 0x0039, 30),
	CBC("AES256-SHA", "RSA", 256, 0x0035, 29),
	CBC("DHE-RSA-AES128-SHA", "DHE-RSA", 128, 0x0033, 28),
	CBC("AES128-SHA", "RSA", 128, 0x002f, 27),
	GCM256("OC-DTLS1_2-AES256-GCM", "RSA", 0x009d, 90, false),
	GCM128("OC-DTLS1_2-AES128-GCM", "RSA", 0x009c, 80, false),
	OLD("AES256-SHA", "RSA", 256, 0x0035, 20),
	OLD("AES128-SHA", "RSA", 128, 0x002f, 19),
	OLD("DHE-RSA-AES256-SHA", "DHE-RSA", 256, 0x0039, 18),
	OLD("DHE-RSA-AES128-SHA", "DHE-RSA", 128, 0x0033, 17),
};
const size_t resume_suites_n = ARRAY_LEN(resume_suites);

static bool is_allowed(const struct resume_suite *s, const struct resume_rules *rules)
{
	if (s->version == DTLS_VERSION_BAD && !rules->prestandard)
		return false;
	if (rules->is_denied[s->aead])
		return false;
	return !rules->match || (s->aead != RECORD_NONE && s->aead == rules->tls);
}

static const struct resume_suite *best_of(const char *list, bool is_12, const struct resume_rules *rules)
{
	const struct resume_suite *best = nullptr;
	for (size_t i = 0; i < resume_suites_n; i++) {
		const struct resume_suite *s = &resume_suites[i];
		if (s->is_12 != is_12 || (best != nullptr && best->rank >= s->rank) || !is_allowed(s, rules))
			continue;
		if (text_list_has(text_slice(list), ':', s->name))
			best = s;
	}
	return best;
}

struct resume_choice resume_choose(const struct connect_req *r, const struct resume_rules *rules)
{
	if (r->psk && rules->psk)
		return (struct resume_choice){ RESUME_PSK, nullptr };
	if (!rules->resume || !r->has_secret)
		return (struct resume_choice){};
	const struct resume_suite *s = best_of(r->dtls12_ciphers, true, rules);
	if (s == nullptr)
		s = best_of(r->dtls_ciphers, false, rules);
	return s == nullptr ? (struct resume_choice){} : (struct resume_choice){ RESUME_FAKE, s };
}

uint32_t resume_overhead(const struct resume_suite *s)
{
	return s->aead != RECORD_NONE ? (uint32_t)record_overhead(s->aead) : MTU_RECORD_CBC_SHA1;
}
