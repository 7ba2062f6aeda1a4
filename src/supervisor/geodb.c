/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/geodb.h"

#include <fcntl.h>
#include <maxminddb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

struct walk {
	struct geo *g;
	const char *by;
	MMDB_s *db;
	uint32_t last_entry; /* many prefixes share one: it is decoded once */
	enum trie_verdict last_verdict;
	bool has_last;
};

static enum err complain(const struct walk *w, const char *what, const char *cure)
{
	snprintf(w->g->why, sizeof w->g->why, "%s:%u: %s: %s; %s", w->by, w->g->database_line, w->g->database,
		 what, cure);
	return ERR_CONFIG;
}

static enum err broken(const struct walk *w, int status)
{
	return complain(w, MMDB_strerror(status), "fetch it again");
}

static bool get_code(MMDB_entry_s *entry, const char *const *path, uint16_t *country)
{
	MMDB_entry_data_s data;
	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
	    data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return false;
	*country = geo_country(data.utf8_string, data.data_size);
	return *country != GEO_NO_COUNTRY;
}

/* Where it is, else where its owner is registered. */
static enum trie_verdict judge(struct walk *w, MMDB_entry_s *entry)
{
	static const char *const is_in[] = { "country", "iso_code", nullptr };
	static const char *const belongs[] = { "registered_country", "iso_code", nullptr };
	uint16_t c;
	if (w->has_last && w->last_entry == entry->offset)
		return w->last_verdict;
	bool known = get_code(entry, is_in, &c) || get_code(entry, belongs, &c);
	w->last_verdict = known ? (enum trie_verdict)w->g->verdicts[c] : TRIE_NONE;
	w->last_entry = entry->offset;
	w->has_last = true;
	return w->last_verdict;
}

static enum err add(struct walk *w, const struct range *at, MMDB_entry_s *entry)
{
	enum trie_verdict verdict = judge(w, entry);
	if (verdict == TRIE_NONE || at->len == 0)
		return ERR_OK;
	enum err e = trie_add(&w->g->trie, at, verdict);
	return e == ERR_FULL ? complain(w, "it has too many prefixes", "speak of fewer countries") : e;
}

static struct range half(const struct range *r, unsigned side)
{
	struct range h = { r->hi, r->lo, (uint8_t)(r->len + 1) };
	if (side == 0)
		return h;
	if (r->len < 64)
		h.hi |= 1ull << (63 - r->len);
	else
		h.lo |= 1ull << (127 - r->len);
	return h;
}

static enum err visit(struct walk *w, uint64_t record, uint8_t type, MMDB_entry_s *entry,
		      const struct range *at);

/* Not deeper than the bits of an address, whatever the file says. */
static enum err descend(struct walk *w, uint32_t node, const struct range *at)
{
	MMDB_search_node_s n;
	if (at->len >= RANGE_FULL)
		return complain(w, "its tree is deeper than an address", "fetch it again");
	int status = MMDB_read_node(w->db, node, &n);
	if (status != MMDB_SUCCESS)
		return broken(w, status);
	struct range left = half(at, 0), right = half(at, 1);
	TRY(visit(w, n.left_record, n.left_record_type, &n.left_record_entry, &left));
	return visit(w, n.right_record, n.right_record_type, &n.right_record_entry, &right);
}

static enum err visit(struct walk *w, uint64_t record, uint8_t type, MMDB_entry_s *entry,
		      const struct range *at)
{
	bool is_v6 = w->db->metadata.ip_version == 6 && !range_is_v4(at);
	switch (type) {
	case MMDB_RECORD_TYPE_EMPTY: return ERR_OK;
	case MMDB_RECORD_TYPE_DATA: return add(w, at, entry);
	case MMDB_RECORD_TYPE_SEARCH_NODE:
		/* IPv4 lies at ::/96, and prefixes like 2002::/16 lead there, too: it is read for itself */
		if (is_v6 && record == w->db->ipv4_start_node.node_value &&
		    w->db->ipv4_start_node.netmask == RANGE_V4_BITS)
			return ERR_OK;
		return descend(w, (uint32_t)record, at);
	default: return complain(w, "its tree is broken", "fetch it again");
	}
}

static enum err walk_all(struct walk *w)
{
	const struct range all = {}, v4 = { .lo = 0xffff'0000'0000, .len = RANGE_V4_BITS };
	if (w->db->metadata.ip_version == 4)
		return descend(w, 0, &v4);
	TRY(descend(w, 0, &all));
	return w->db->ipv4_start_node.netmask == RANGE_V4_BITS &&
			       w->db->ipv4_start_node.node_value < w->db->metadata.node_count
		       ? descend(w, w->db->ipv4_start_node.node_value, &v4)
		       : ERR_OK;
}

enum err geodb_read(struct geo *g, int folder, const char *by)
{
	MMDB_s db;
	struct walk w = { .g = g, .by = by, .db = &db };
	char path[64];
	/* the library takes a name only; ours may be relative to the folder in which we were started */
	int fd OWNED(base_closep) = openat(folder, g->database, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int status = fd < 0 ? MMDB_FILE_OPEN_ERROR : MMDB_open(path, MMDB_MODE_MMAP, &db);
	if (status == MMDB_FILE_OPEN_ERROR)
		return complain(&w, "it cannot be opened", "correct the path or the file's rights");
	if (status != MMDB_SUCCESS)
		return complain(&w, MMDB_strerror(status), "it must be a MaxMind database of countries");
	enum err e = walk_all(&w);
	MMDB_close(&db);
	return e;
}
