/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expat reads, a table says which elements matter; all others are passed over with what is in them.
 *
 * Greed is bounded by what expat may allocate, by the depth and by the number of elements.  The sum of what it has left
 * is the one variable of wire/ that is not its caller's: expat's allocator has no argument for it.
 */
#include "wire/login_parse.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

constexpr size_t DEPTH_MAX = 16;
constexpr size_t ELEMENTS_MAX = 1024;
constexpr size_t SLICE_LEN = 4096; /* fed at once: expat copies what it is given */

/* Where in the document an element stands. */
enum place : uint8_t {
	AT_NOWHERE, /* nothing here matters */
	AT_TOP,     /* above the root */
	AT_ROOT,
	AT_AUTH,
	AT_CAPABILITIES,
	AT_OPAQUE,
	AT_VALUE, /* its text is wanted, that of its children is not */
};

static const struct row {
	enum place parent;
	const char *name;
	enum place place;
	enum login_key key;
} rows[] = {
	{ AT_TOP, "config-auth", AT_ROOT, LOGIN_KEY_NONE },
	{ AT_TOP, "auth", AT_AUTH, LOGIN_KEY_NONE },
	{ AT_ROOT, "auth", AT_AUTH, LOGIN_KEY_NONE },
	{ AT_ROOT, "capabilities", AT_CAPABILITIES, LOGIN_KEY_NONE },
	{ AT_ROOT, "opaque", AT_OPAQUE, LOGIN_KEY_NONE },
	{ AT_ROOT, "version", AT_VALUE, LOGIN_KEY_VERSION },
	{ AT_ROOT, "device-id", AT_VALUE, LOGIN_KEY_DEVICE_ID },
	{ AT_ROOT, "group-select", AT_VALUE, LOGIN_KEY_GROUP },
	{ AT_ROOT, "group-access", AT_VALUE, LOGIN_KEY_ACCESS },
	{ AT_ROOT, "session-token", AT_VALUE, LOGIN_KEY_TOKEN },
	{ AT_ROOT, "client-cert-fail", AT_VALUE, LOGIN_KEY_CERT_FAIL },
	{ AT_OPAQUE, "aggauth-handle", AT_VALUE, LOGIN_KEY_HANDLE },
	{ AT_CAPABILITIES, "auth-method", AT_VALUE, LOGIN_KEY_CAPABILITY },
};

static const struct {
	enum login_key element;
	const char *name;
	enum login_key key;
} attributes[] = {
	{ LOGIN_KEY_DEVICE_ID, "computer-name", LOGIN_KEY_COMPUTER_NAME },
	{ LOGIN_KEY_DEVICE_ID, "device-type", LOGIN_KEY_DEVICE_TYPE },
	{ LOGIN_KEY_DEVICE_ID, "platform-version", LOGIN_KEY_PLATFORM_VERSION },
	{ LOGIN_KEY_DEVICE_ID, "unique-id", LOGIN_KEY_UNIQUE_ID },
};

static const struct {
	const char *word;
	enum login_type type;
} types[] = {
	{ "init", LOGIN_INIT },
	{ "auth-reply", LOGIN_REPLY },
	{ "logout", LOGIN_LOGOUT },
};

struct parse {
	XML_Parser parser;
	struct login_req *out;
	enum err err; /* ours, before expat's */
	size_t depth;
	size_t elements_n;
	enum place places[DEPTH_MAX + 1]; /* places[0]: AT_TOP */
	enum login_key key;               /* of the text being collected */
	size_t key_depth;                 /* of its element; 0: none */
	size_t value_len;
	char value[LOGIN_VALUE_CAP];
};

static thread_local size_t memory_left;

/* Before each block of expat's, so that freeing gives its length back. */
struct block {
	alignas(max_align_t) size_t len;
};

static void *take_memory(size_t n)
{
	size_t len = n + sizeof(struct block);
	if (len < n || len > memory_left)
		return nullptr;
	struct block *b = malloc(len);
	if (b == nullptr)
		return nullptr;
	b->len = len;
	memory_left -= len;
	return b + 1;
}

/* Wiped: the document has passwords in it. */
static void give_memory(void *p)
{
	if (p == nullptr)
		return;
	struct block *b = (struct block *)p - 1;
	memory_left += b->len;
	explicit_bzero(b, b->len);
	free(b);
}

static void *retake_memory(void *p, size_t n)
{
	void *larger = take_memory(n);
	if (larger == nullptr || p == nullptr)
		return larger;
	const struct block *b = (const struct block *)p - 1;
	memcpy(larger, p, MIN(n, b->len - sizeof *b));
	give_memory(p);
	return larger;
}

static void fail(struct parse *p, enum err e)
{
	if (p->err == ERR_OK && e != ERR_OK) {
		p->err = e;
		XML_StopParser(p->parser, XML_FALSE);
	}
}

static const struct row *find_row(enum place parent, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].parent == parent && text_is_nocase(text_slice(name), rows[i].name))
			return &rows[i];
	return nullptr;
}

/* What this element is, below that one. */
static struct row classify(enum place parent, const char *name)
{
	const struct row *found = find_row(parent, name);
	if (found != nullptr)
		return *found;
	auto key = parent == AT_AUTH ? login_answer_key(text_slice(name)) : LOGIN_KEY_NONE;
	return (struct row){ .place = key == LOGIN_KEY_NONE ? AT_NOWHERE : AT_VALUE, .key = key };
}

static void set_type(struct parse *p, const char **attrs)
{
	for (; attrs[0] != nullptr; attrs += 2)
		for (size_t i = 0; text_is_nocase(text_slice(attrs[0]), "type") && i < ARRAY_LEN(types); i++)
			if (text_is_nocase(text_slice(attrs[1]), types[i].word))
				p->out->type = types[i].type;
}

static void store_attributes(struct parse *p, enum login_key element, const char **attrs)
{
	for (; attrs[0] != nullptr; attrs += 2)
		for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
			if (attributes[i].element == element &&
			    text_is_nocase(text_slice(attrs[0]), attributes[i].name))
				fail(p, login_store(p->out, attributes[i].key, text_slice(attrs[1])));
}

/* The root decides what the document is. */
static void open_root(struct parse *p, enum place place, const char **attrs)
{
	if (place == AT_AUTH)
		p->out->type = LOGIN_REPLY;
	if (place == AT_ROOT)
		set_type(p, attrs);
	p->out->aggregate = place == AT_ROOT;
	if (p->out->type == 0)
		fail(p, ERR_PROTO);
}

static void XMLCALL on_start(void *data, const char *name, const char **attrs)
{
	struct parse *p = data;
	if (p->depth == DEPTH_MAX || ++p->elements_n > ELEMENTS_MAX) {
		fail(p, ERR_RANGE);
		return;
	}
	auto row = classify(p->places[p->depth], name);
	p->places[++p->depth] = row.place;
	if (p->depth == 1)
		open_root(p, row.place, attrs);
	store_attributes(p, row.key, attrs);
	if (row.key != LOGIN_KEY_NONE) {
		p->key = row.key;
		p->key_depth = p->depth;
		p->value_len = 0;
	}
}

static void XMLCALL on_text(void *data, const char *text, int len)
{
	struct parse *p = data;
	if (p->key_depth == 0 || p->key_depth != p->depth)
		return;
	if ((size_t)len > sizeof p->value - p->value_len) {
		fail(p, ERR_RANGE);
		return;
	}
	memcpy(p->value + p->value_len, text, (size_t)len);
	p->value_len += (size_t)len;
}

static void XMLCALL on_end(void *data, const char *)
{
	struct parse *p = data;
	if (p->err != ERR_OK)
		return;
	if (p->key_depth == p->depth) {
		fail(p, login_store(p->out, p->key, (struct slice){ .p = p->value, .n = p->value_len }));
		p->key_depth = 0;
	}
	p->depth--;
}

static void XMLCALL on_doctype(void *data, const char *, const char *, const char *, int)
{
	fail(data, ERR_PROTO);
}

static enum err feed(struct parse *p, struct slice doc)
{
	enum XML_Status status = XML_STATUS_OK;
	bool last = false;
	for (size_t at = 0; !last && status == XML_STATUS_OK; at += SLICE_LEN) {
		size_t n = MIN(doc.n - at, SLICE_LEN);
		last = at + n == doc.n;
		status = XML_Parse(p->parser, doc.p + at, (int)n, last);
	}
	if (p->err != ERR_OK)
		return p->err;
	if (status == XML_STATUS_OK)
		return ERR_OK;
	return XML_GetErrorCode(p->parser) == XML_ERROR_NO_MEMORY ? ERR_RANGE : ERR_SYNTAX;
}

enum err login_xml_parse(struct login_req *out, struct slice doc)
{
	static const XML_Memory_Handling_Suite memory = { take_memory, retake_memory, give_memory };
	struct parse p = { .out = out, .places = { AT_TOP } };
	memory_left = LOGIN_XML_MEMORY;
	p.parser = XML_ParserCreate_MM("UTF-8", &memory, nullptr);
	if (p.parser == nullptr)
		return ERR_NOMEM;
	/* else expat asks the kernel for randomness, which is no business of wire/; an address is unknown enough here, where
	 * the number of names is bounded */
	XML_SetHashSalt(p.parser, (unsigned long)(uintptr_t)out | 1);
	XML_SetUserData(p.parser, &p);
	XML_SetElementHandler(p.parser, on_start, on_end);
	XML_SetCharacterDataHandler(p.parser, on_text);
	XML_SetStartDoctypeDeclHandler(p.parser, on_doctype);
	enum err e = feed(&p, doc);
	XML_ParserFree(p.parser);
	explicit_bzero(&p, sizeof p);
	return e;
}
