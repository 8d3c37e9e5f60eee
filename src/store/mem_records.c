/* SPDX-License-Identifier: MIT */
#include "store/mem_records.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"

struct mem_record {
	struct mem_record *next; /* in its bucket */
	int64_t expires;
	bool begun, created;
	struct str key, print; /* in bytes */
	struct rpath path; /* in bytes */
	unsigned etag_len;
	char etag[ETAG_MAX];
	struct buf result;
	char bytes[];
};

enum err_code
mem_record_new(const struct record *r, struct rpath path,
    struct mem_record **out, struct err *err)
{
	struct mem_record *m;
	char *at;

	*out = NULL;
	if (!r)
		return ERR_OK;
	m = calloc(1, sizeof(*m) + r->key.len + r->print.len + path.s.len);
	if (!m)
		return err_nomem(err);
	at = m->bytes;
	m->key = str_copy(&at, r->key);
	m->print = str_copy(&at, r->print);
	m->path.s = str_copy(&at, path.s);
	m->expires = r->expires;
	m->begun = r->begins;
	*out = m;
	return ERR_OK;
}

enum err_code
mem_record_set_result(struct mem_record *m, struct str result, struct err *err)
{
	buf_put(&m->result, result);
	return buf_failed(&m->result) ? err_nomem(err) : ERR_OK;
}

void
mem_record_done(struct mem_record **r)
{
	if (!*r)
		return;
	buf_done(&(*r)->result);
	free(*r);
	*r = NULL;
}

static struct mem_record **
bucket_of(struct mem_records *all, struct str key)
{
	size_t h = 5381;
	size_t i;

	for (i = 0; i < key.len; i++)
		h = h * 33 + (unsigned char)key.ptr[i];
	return &all->bucket[h % MEM_RECORD_BUCKETS];
}

/* The one of that key that has not expired; those that have, go. */
static struct mem_record *
find(struct mem_records *all, struct str key)
{
	struct mem_record **at = bucket_of(all, key);
	struct mem_record *found = NULL;
	int64_t now = clock_now();

	while (*at) {
		struct mem_record *m = *at;

		if (m->expires <= now) {
			*at = m->next;
			mem_record_done(&m);
			continue;
		}
		if (str_eq(m->key, key))
			found = m;
		at = &m->next;
	}
	return found;
}

static void
drop(struct mem_records *all, struct str key)
{
	struct mem_record **at = bucket_of(all, key);

	while (*at && !str_eq((*at)->key, key))
		at = &(*at)->next;
	if (*at) {
		struct mem_record *m = *at;

		*at = m->next;
		mem_record_done(&m);
	}
}

static void
add(struct mem_records *all, struct mem_record *m)
{
	struct mem_record **at = bucket_of(all, m->key);

	drop(all, m->key);
	m->next = *at;
	*at = m;
}

void
mem_record_keep(struct mem_records *all, struct mem_record **r, bool created,
    const struct resource *made)
{
	struct mem_record *m = *r;

	if (!m)
		return;
	m->created = created;
	if (made) {
		m->etag_len = made->etag_len;
		memcpy(m->etag, made->etag, made->etag_len);
	}
	add(all, m);
	*r = NULL;
}

enum err_code
mem_records_recall(struct mem_records *all, struct str key, struct arena *a,
    struct recalled *out, bool *found, struct err *err)
{
	const struct mem_record *m = find(all, key);
	struct recalled r = { .begun = false };

	if (!m)
		return ERR_OK;
	r.begun = m->begun;
	r.created = m->created;
	if (!arena_str(a, m->print, &r.print) ||
	    !arena_str(a, m->path.s, &r.path.s) ||
	    !arena_str(a, str_of(m->etag, m->etag_len), &r.etag) ||
	    !arena_str(a, buf_str(&m->result), &r.result))
		return err_nomem(err);
	*out = r;
	*found = true;
	return ERR_OK;
}

enum err_code
mem_records_remember(struct mem_records *all, const struct record *r,
    struct str result, struct err *err)
{
	struct mem_record *m = find(all, r->key);
	struct mem_record *new CLEANUP(mem_record_done) = NULL;
	struct buf copy = { 0 };
	enum err_code rc = ERR_OK;

	if (m && !str_eq(m->print, r->print))
		m = NULL;
	if (!m)
		rc = mem_record_new(r, (struct rpath){ STR("") }, &new, err);
	buf_put(&copy, result);
	if (!rc && buf_failed(&copy))
		rc = err_nomem(err);
	if (rc) {
		buf_done(&copy);
		return rc;
	}
	if (!m) {
		m = new;
		new = NULL;
		assert(m); /* since r is not NULL */
		add(all, m);
	}
	buf_done(&m->result);
	m->result = copy;
	m->begun = false;
	m->expires = r->expires;
	return ERR_OK;
}

void
mem_records_done(struct mem_records *all)
{
	size_t i;

	for (i = 0; i < MEM_RECORD_BUCKETS; i++)
		while (all->bucket[i]) {
			struct mem_record *m = all->bucket[i];

			all->bucket[i] = m->next;
			mem_record_done(&m);
		}
}
