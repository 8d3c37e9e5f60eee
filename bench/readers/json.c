/* SPDX-License-Identifier: MIT */
/* yajl, which streams, and jansson, which wants the whole in memory. */
#include <jansson.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "readers.h"

enum member { OTHER, STATUS, HREF, ID, TEXT };

struct job {
	struct counts *c;
	unsigned depth;
	enum member member;
	long long status;
	struct text href, id, said;
};

static int
on_map(void *arg)
{
	struct job *j = arg;

	if (++j->depth == 2) {
		j->status = 0;
		j->href.len = j->id.len = j->said.len = 0;
	}
	return 1;
}

static int
on_map_end(void *arg)
{
	struct job *j = arg;

	if (j->depth-- != 2)
		return 1;
	j->c->items++;
	j->c->bytes += j->href.len;
	j->c->failed += j->status >= 400;
	return 1;
}

static int
on_key(void *arg, const unsigned char *key, size_t n)
{
	static const struct {
		const char *name;
		enum member member;
	} names[] = { { "status", STATUS }, { "href", HREF }, { "id", ID },
		{ "message", TEXT }, { "error", TEXT } };
	struct job *j = arg;
	size_t i;

	j->member = OTHER;
	for (i = 0; j->depth == 2 && i < sizeof(names) / sizeof(names[0]); i++)
		if (n == strlen(names[i].name) &&
		    !memcmp(key, names[i].name, n))
			j->member = names[i].member;
	return 1;
}

static int
on_integer(void *arg, long long n)
{
	struct job *j = arg;

	if (j->member == STATUS)
		j->status = n;
	return 1;
}

static int
on_string(void *arg, const unsigned char *s, size_t n)
{
	struct job *j = arg;
	struct text *to = j->member == HREF ? &j->href
	    : j->member == ID               ? &j->id
	    : j->member == TEXT             ? &j->said
					    : NULL;

	if (to)
		text_add(to, (const char *)s, n);
	return 1;
}

bool
read_yajl(struct source *s, struct counts *c)
{
	static const yajl_callbacks calls = { .yajl_integer = on_integer,
		.yajl_string = on_string,
		.yajl_start_map = on_map,
		.yajl_map_key = on_key,
		.yajl_end_map = on_map_end };
	static struct job j;
	yajl_handle h = yajl_alloc(&calls, NULL, &j);
	yajl_status rc = yajl_status_ok;
	const char *bytes;
	size_t n;

	j.c = c;
	while (rc == yajl_status_ok && (bytes = source_next(s, &n)))
		rc = yajl_parse(h, (const unsigned char *)bytes, n);
	if (rc == yajl_status_ok)
		rc = yajl_complete_parse(h);
	yajl_free(h);
	return rc == yajl_status_ok;
}

struct pull {
	struct source *s;
	const char *bytes;
	size_t left;
};

static size_t
pull_bytes(void *to, size_t room, void *arg)
{
	struct pull *p = arg;
	size_t n;

	if (!p->left)
		p->bytes = source_next(p->s, &p->left);
	n = p->left < room ? p->left : room;
	if (n)
		memcpy(to, p->bytes, n);
	p->bytes += n;
	p->left -= n;
	return n;
}

bool
read_jansson(struct source *s, struct counts *c)
{
	struct pull pull = { .s = s };
	json_t *all =
	    json_load_callback(pull_bytes, &pull, JSON_REJECT_DUPLICATES, NULL);
	json_t *item;
	size_t i;

	if (!all)
		return false;
	json_array_foreach(json_object_get(all, "results"), i, item)
	{
		c->items++;
		c->bytes += json_string_length(json_object_get(item, "href"));
		c->failed +=
		    json_integer_value(json_object_get(item, "status")) >= 400;
	}
	json_decref(all);
	return true;
}
