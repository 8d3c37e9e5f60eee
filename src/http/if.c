/* SPDX-License-Identifier: MIT */
#include "http/if.h"

#include "http/scan.h"

/*
 * The grammar is RFC 4918 s10.4.2, in which white space may stand between any
 * two of its terminals (RFC 2616 s2.1), but not in a Coded-URL.
 */
struct parser {
	struct str rest;
	const struct origin *origin;
	struct arena *arena;
	struct if_condition *conditions; /* room for all of them */
	size_t n_conditions;
	struct if_list *lists;
	size_t n_lists;
	struct err *err;
};

static enum err_code
malformed(struct parser *p, const char *what)
{
	return err_tell(p->err, ERR_BAD_HEADER, "If: %s", what);
}

static bool
at(const struct parser *p, char c)
{
	return p->rest.len && p->rest.ptr[0] == c;
}

static bool
take(struct parser *p, char c)
{
	if (!at(p, c))
		return false;
	p->rest = str_trim(str_skip(p->rest, 1));
	return true;
}

static bool
take_angles(struct parser *p, struct str *inside)
{
	if (!scan_angles(&p->rest, inside))
		return false;
	p->rest = str_trim(p->rest);
	return true;
}

static enum err_code
parse_condition(struct parser *p, struct if_condition *c)
{
	if (str_starts_nocase(p->rest, STR("Not"))) {
		c->negated = true;
		p->rest = str_trim(str_skip(p->rest, 3));
	}
	if (at(p, '<')) {
		if (!take_angles(p, &c->token) ||
		    !scan_is_absolute_uri(c->token))
			return malformed(p, "a state token is not a URI");
		return ERR_OK;
	}
	c->is_etag = true;
	if (!take(p, '['))
		return malformed(p, "a condition is neither <...> nor [...]");
	if (!etag_take(&p->rest, true, &c->etag))
		return malformed(p, "no entity tag after '['");
	p->rest = str_trim(p->rest);
	return take(p, ']') ? ERR_OK : malformed(p, "no ']' after a tag");
}

static enum err_code
parse_list(struct parser *p, const struct if_list *tag)
{
	struct if_list *list = &p->lists[p->n_lists];
	struct if_condition *first = &p->conditions[p->n_conditions];

	if (!take(p, '('))
		return malformed(p, "a list must begin with '('");
	*list = *tag;
	list->v = first;
	while (!at(p, ')')) {
		enum err_code rc = parse_condition(p, &first[list->n]);

		if (rc)
			return rc;
		list->n++;
	}
	if (!list->n)
		return malformed(p, "a list has no condition");
	(void)take(p, ')');
	p->n_conditions += list->n;
	p->n_lists++;
	return ERR_OK;
}

/*
 * A tag that names another server is no failure: its list just cannot hold
 * here (s10.4.1 lets a request name several servers).
 */
static enum err_code
parse_tag(struct parser *p, struct if_list *tag)
{
	struct href href;
	enum err_code rc;

	*tag = (struct if_list){ .tagged = true };
	if (!take_angles(p, &href.s))
		return malformed(p, "a tag is not a URL");
	rc = href_decode(p->arena, p->origin, href, &tag->path, NULL, p->err);
	if (rc == ERR_BAD_PATH)
		return malformed(p, "a tag is not a URL of a resource");
	if (rc != ERR_BAD_GATEWAY)
		return rc;
	if (p->err)
		*p->err = (struct err){ 0 };
	return ERR_OK;
}

/* 1*( [Resource-Tag] 1*List ), where all or none have a tag. */
static enum err_code
parse_lists(struct parser *p)
{
	struct if_list tag = { 0 };
	bool tagged = at(p, '<');
	enum err_code rc;

	do {
		if (tagged && !at(p, '(')) {
			rc = parse_tag(p, &tag);
			if (rc)
				return rc;
		}
		do {
			rc = parse_list(p, &tag);
			if (rc)
				return rc;
		} while (at(p, '('));
	} while (p->rest.len);
	return ERR_OK;
}

/*
 * Makes room for as many lists and conditions as there could be, and one that
 * turns out malformed: ([""]) is the shortest list, [""] the shortest
 * condition.
 */
static enum err_code
make_room(struct parser *p)
{
	p->lists =
	    arena_array(p->arena, p->rest.len / 6 + 1, sizeof(*p->lists));
	p->conditions =
	    arena_array(p->arena, p->rest.len / 4 + 1, sizeof(*p->conditions));
	return p->lists && p->conditions ? ERR_OK : err_nomem(p->err);
}

enum err_code
if_parse(const struct headers *h, const struct origin *origin, struct arena *a,
    struct if_header *out, struct err *err)
{
	struct parser p = { .origin = origin, .arena = a, .err = err };
	enum err_code rc;

	if (!headers_has(h, STR("If"))) {
		*out = (struct if_header){ 0 };
		return ERR_OK;
	}
	rc = headers_one(h, STR("If"), &p.rest, err);
	if (!rc)
		rc = make_room(&p);
	if (!rc)
		rc = parse_lists(&p);
	if (!rc)
		*out = (struct if_header){ .v = p.lists, .n = p.n_lists };
	return rc;
}

static bool
condition_holds(const struct if_condition *c, struct rpath path,
    const struct if_state *state)
{
	const struct etag current = { .opaque = state->etag };
	bool is;

	if (c->is_etag)
		is = etag_same_strong(&c->etag, &current);
	else
		is = state->has_token &&
		    state->has_token(state->arg, path, c->token);
	return is != c->negated;
}

static bool
list_holds(
    const struct if_list *list, struct rpath path, const struct if_state *state)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (!condition_holds(&list->v[i], path, state))
			return false;
	return true;
}

enum err_code
if_check(const struct if_header *i, struct rpath request,
    enum err_code (*state_of)(
	void *arg, struct rpath path, struct if_state *out, struct err *err),
    void *arg, bool *holds, struct err *err)
{
	struct rpath asked = { { 0 } };
	struct if_state state;
	bool held = i->n == 0;
	size_t l;

	for (l = 0; l < i->n && !held; l++) {
		struct rpath path = i->v[l].tagged ? i->v[l].path : request;
		enum err_code rc;

		if (!path.s.len) /* another server's */
			continue;
		if (!rpath_eq(path, asked)) {
			state = (struct if_state){ 0 };
			rc = state_of(arg, path, &state, err);
			if (rc)
				return rc;
			asked = path;
		}
		held = list_holds(&i->v[l], path, &state);
	}
	*holds = held;
	return ERR_OK;
}
