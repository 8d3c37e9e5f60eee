/* SPDX-License-Identifier: MIT */
#include "store/listing_seen.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "store/dir_listing.h"

static enum err_code
see(void *arg, const struct member *m, bool *prune)
{
	struct seen *s = arg;
	struct str name = rpath_name(m->path);

	(void)prune;
	assert_int_equal(m->failed, ERR_OK);
	assert_true(s->n < MOST && name.len < sizeof(s->all[0].name));
	memcpy(s->all[s->n].name, name.ptr, name.len);
	s->all[s->n].name[name.len] = '\0';
	s->all[s->n++].res = m->res;
	return ERR_OK;
}

/* Where it is tried at once, what that told is what is asked about. */
enum err_code
list(struct store *s, const char *path, struct seen *out)
{
	struct walk walk = {
		.depth = DEPTH_1,
		.order = WALK_LOOK,
		.visit = see,
		.arg = out,
		.at_once = store_walk_is_quick(s, at(path)),
	};
	enum err_code rc;

	memset(out, 0, sizeof(*out));
	rc = store_walk(s, at(path), &walk, NULL);
	if (!walk.at_once || rc != ERR_BUSY)
		return rc;
	assert_int_equal(out->n, 0);
	assert_false(store_walk_is_quick(s, at(path)));
	walk.at_once = false;
	return store_walk(s, at(path), &walk, NULL);
}

static bool
same(const struct resource *a, const struct resource *b)
{
	return a->collection == b->collection && a->length == b->length &&
	    a->modified == b->modified && a->created == b->created &&
	    !memcmp(&a->id, &b->id, sizeof(a->id)) &&
	    str_eq(resource_etag(a), resource_etag(b));
}

const struct resource *
member(const struct seen *s, const char *name)
{
	size_t i;

	for (i = 1; i < s->n; i++)
		if (!strcmp(s->all[i].name, name))
			return &s->all[i].res;
	return NULL;
}

void
check(const struct world *w, const char *dir, const char *after)
{
	struct seen listed;
	struct dirent *e;
	size_t n = 1;
	DIR *d;

	assert_ok(list(w->store, dir, &listed));
	d = opendir(real(w, dir));
	assert_non_null(d);
	while ((e = readdir(d))) {
		const struct resource *told = member(&listed, e->d_name);
		struct resource now;
		char path[600];

		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] == '.' ||
		    store_stat(w->store, at(path), &now, NULL))
			continue;
		n++;
		if (!told || !same(told, &now))
			fail_msg(
			    "after %s: %s is not listed as it is", after, path);
	}
	(void)closedir(d);
	if (listed.n != n)
		fail_msg("after %s: %zu listed, %zu there", after, listed.n, n);
}

size_t
known(const struct world *w, const char *dir)
{
	struct listings *ls = dir_of(w->store)->listings;
	const struct listing *l;
	size_t n = 0, i;
	struct stat st;

	assert_int_equal(stat(real(w, dir), &st), 0);
	(void)pthread_mutex_lock(&ls->lock);
	for (l = ls->first; l; l = l->next)
		for (i = 0; listing_is_public(l) && l->id.inode == st.st_ino &&
		     i < l->n;
		     i++)
			n += l->members[i].known;
	(void)pthread_mutex_unlock(&ls->lock);
	return n;
}

void
learn(const struct world *w, const char *dir, size_t want)
{
	struct seen s;
	int i;

	for (i = 0; i < 10000 && known(w, dir) < want; i++) {
		assert_ok(list(w->store, dir, &s));
		listings_settle(dir_of(w->store)->listings);
	}
	assert_int_equal(known(w, dir), want);
}

_Atomic unsigned long statx_calls;
_Atomic uint64_t encrypted;

int __real_statx(int, const char *, int, unsigned, struct statx *);
int __wrap_statx(int, const char *, int, unsigned, struct statx *);

int
__wrap_statx(
    int dir, const char *name, int flags, unsigned mask, struct statx *out)
{
	int rc = __real_statx(dir, name, flags, mask, out);

	statx_calls++;
	if (!rc && encrypted && out->stx_ino == encrypted)
		out->stx_attributes |= STATX_ATTR_ENCRYPTED;
	return rc;
}

static void
fill(const struct world *w, const char *dir)
{
	char path[64];
	int i;

	assert_int_equal(mkdir(real(w, dir), 0755), 0);
	for (i = 0; i < N_FILES; i++) {
		(void)snprintf(path, sizeof(path), "%s/f%d", dir, i);
		add(w, path, "twelve bytes", O_CREAT);
	}
	(void)snprintf(path, sizeof(path), "%s/s0", dir);
	assert_int_equal(mkdir(real(w, path), 0755), 0);
}

int
listing_set_up(void **state)
{
	const struct world *w;

	changes_await_inotify();
	(void)world_set_up(state);
	w = *state;
	fill(w, "/d");
	fill(w, "/e");
	add(w, "/target", "t", O_CREAT);
	link_to(w, "../target", "/d/l0");
	return 0;
}
