/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/directory_entry.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "auth/directory_facts.h"
#include "auth/directory_text.h"
#include "auth/fact.h"
#include "base/log.h"

constexpr int GROUPS_MAX = 1000; /* entries that a search for groups may find */

static enum err broken(struct directory_link *l, const char *what, const char *name)
{
	snprintf(l->error, sizeof l->error, "%s %s", what, name);
	return ERR_SYS;
}

/* {{ values */

/* Call f for each value of an attribute; an error but of memory is told, and the value left out. */
typedef enum err take_value(void *ctx, const struct berval *v);

static enum err each_value(LDAP *ld, LDAPMessage *m, const char *attribute, take_value *f, void *ctx)
{
	struct berval **values = attribute[0] != '\0' ? ldap_get_values_len(ld, m, attribute) : nullptr;
	enum err e = ERR_OK;
	for (size_t i = 0; values != nullptr && values[i] != nullptr && e != ERR_NOMEM; i++) {
		e = f(ctx, values[i]);
		if (e != ERR_OK)
			log_warn("ldap.value attribute=%s error=\"%s\" note=\"left out\"", attribute,
				 err_text(e));
	}
	ldap_value_free_len(values);
	return e == ERR_NOMEM ? e : ERR_OK;
}

struct fact_place {
	Msg__Facts *facts;
	enum directory_fact what;
};

static enum err take_fact(void *ctx, const struct berval *v)
{
	const struct fact_place *p = ctx;
	return directory_facts_add(p->facts, p->what, v->bv_val, v->bv_len);
}

static enum err take_group(void *ctx, const struct berval *v)
{
	return directory_facts_add_group(ctx, v->bv_val, v->bv_len);
}

/* The value that was typed, or else the first. */
struct name_place {
	char *out;
	const char *typed;
	bool is_typed;
};

static enum err take_name(void *ctx, const struct berval *v)
{
	struct name_place *p = ctx;
	char name[DIRECTORY_NAME_MAX];
	if (v->bv_len >= sizeof name || memchr(v->bv_val, '\0', v->bv_len) != nullptr)
		return ERR_RANGE;
	memcpy(name, v->bv_val, v->bv_len);
	name[v->bv_len] = '\0';
	if (!directory_text_is_name(name))
		return ERR_SYNTAX;
	bool is_typed = strcasecmp(name, p->typed) == 0;
	if (p->out[0] == '\0' || (is_typed && !p->is_typed))
		memcpy(p->out, name, sizeof name);
	p->is_typed |= is_typed;
	return ERR_OK;
}

/* {{ an entry */

static enum err read_entry(struct directory_entry *e, struct directory_link *l,
			   const struct directory_settings *s, const char *user, LDAPMessage *m)
{
	struct name_place name = { e->name, user, false };
	e->dn = ldap_get_dn(l->ld, m);
	e->facts = fact_new();
	if (e->facts == nullptr)
		return ERR_NOMEM;
	if (e->dn == nullptr || e->dn[0] == '\0')
		return broken(l, "an entry has no DN; is the base right?", "");
	TRY(each_value(l->ld, m, s->name_attribute, take_name, &name));
	if (e->name[0] == '\0')
		return broken(l, "the user's entry has no name-attribute", s->name_attribute);
	for (unsigned i = 0; i < DIRECTORY_FACT_N; i++) {
		struct fact_place place = { e->facts, (enum directory_fact)i };
		TRY(each_value(l->ld, m, s->facts[i], take_fact, &place));
	}
	return each_value(l->ld, m, s->groups.attribute, take_group, e->facts);
}

static enum err find_one(struct directory_entry *e, struct directory_link *l,
			 const struct directory_settings *s, const char *user)
{
	char filter[DIRECTORY_FILTER_MAX + 3 * DIRECTORY_NAME_MAX];
	const char *attributes[DIRECTORY_FACT_N + 3];
	size_t n = 0;
	LDAPMessage *m = nullptr;
	TRY(directory_text_filter(filter, sizeof filter, s->filter, user, nullptr));
	attributes[n++] = s->name_attribute;
	if (s->groups.attribute[0] != '\0')
		attributes[n++] = s->groups.attribute;
	for (size_t i = 0; i < DIRECTORY_FACT_N; i++)
		if (s->facts[i][0] != '\0')
			attributes[n++] = s->facts[i];
	attributes[n] = nullptr;
	const struct directory_search x = { s->base, filter, s->scope, attributes, 2 };
	enum err found = directory_link_search(l, &x, &m);
	if (found == ERR_NOTFOUND)
		return broken(l, "there is no base", s->base);
	TRY(found);
	int entries = ldap_count_entries(l->ld, m);
	enum err r = entries == 1  ? read_entry(e, l, s, user, ldap_first_entry(l->ld, m))
		     : entries > 1 ? ERR_FULL
				   : ERR_NOTFOUND;
	ldap_msgfree(m);
	return r;
}

/* {{ groups that know their members */

static enum err find_groups(struct directory_entry *e, struct directory_link *l,
			    const struct directory_settings *s, const char *user)
{
	const struct directory_groups *g = &s->groups;
	char filter[DIRECTORY_FILTER_MAX + 3 * (DIRECTORY_NAME_MAX + DIRECTORY_DN_MAX)];
	const char *attributes[] = { g->name_attribute, nullptr };
	LDAPMessage *m = nullptr;
	if (g->base[0] == '\0')
		return ERR_OK;
	if (directory_text_filter(filter, sizeof filter, g->filter, user, e->dn) != ERR_OK)
		return broken(l, "the DN is too long for group-filter:", e->dn);
	const struct directory_search x = { g->base, filter, DIRECTORY_SUB, attributes, GROUPS_MAX };
	enum err r = directory_link_search(l, &x, &m);
	if (r == ERR_NOTFOUND)
		return broken(l, "there is no group-base", g->base);
	if (r == ERR_FULL)
		return broken(l, "the user is in too many groups:", user);
	TRY(r);
	for (LDAPMessage *one = ldap_first_entry(l->ld, m); one != nullptr && r == ERR_OK;
	     one = ldap_next_entry(l->ld, one))
		r = each_value(l->ld, one, g->name_attribute, take_group, e->facts);
	ldap_msgfree(m);
	return r;
}

static void choose_group(struct directory_entry *e, const struct directory_groups *g)
{
	const Msg__Facts *f = e->facts;
	const char *best = f->n_groups > 0 ? f->groups[0] : "";
	for (size_t i = g->allowed_n; i > 0; i--)
		if (fact_has_group(f, g->allowed[i - 1]))
			best = g->allowed[i - 1];
	snprintf(e->group, sizeof e->group, "%s", best);
}

enum err directory_entry_find(struct directory_entry *e, struct directory_link *l,
			      const struct directory_settings *s, const char *user)
{
	TRY(find_one(e, l, s, user));
	TRY(find_groups(e, l, s, e->name));
	choose_group(e, &s->groups);
	return ERR_OK;
}

void directory_entry_fini(struct directory_entry *e)
{
	ldap_memfree(e->dn);
	if (e->facts != nullptr)
		msg__facts__free_unpacked(e->facts, nullptr);
	*e = (struct directory_entry){};
}
