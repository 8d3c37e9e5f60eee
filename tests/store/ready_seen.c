/* SPDX-License-Identifier: MIT */
#include "store/ready_seen.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/dir_ready.h"

#define LONGEST ((size_t)128 * 1024)

bool
is_known(const struct world *w, const char *path)
{
	struct ready_file *f;

	assert_ok(ready_hold(dir_of(w->store), at(path), &f));
	ready_drop(f);
	return f != NULL;
}

/* A mount anywhere, of another test perhaps, may end it at any moment. */
void
learn(const struct world *w, const char *path)
{
	int i;

	for (i = 0; i < 20000; i++)
		if (is_known(w, path))
			return;
	fail_msg("%s is never known", path);
}

static bool
same(const struct resource *a, const struct resource *b)
{
	return a->collection == b->collection && a->length == b->length &&
	    a->modified == b->modified && a->created == b->created &&
	    !memcmp(&a->id, &b->id, sizeof(a->id)) &&
	    str_eq(resource_etag(a), resource_etag(b));
}

/* As the system says, not by what is known. */
static enum err_code
look_anew(const struct world *w, const char *path, struct resource *out)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc =
	    place_find(dir_of(w->store), at(path), FOLLOW_YES, &p, NULL);

	if (!rc)
		rc = place_must_exist(&p, NULL);
	if (!rc)
		*out = place_resource(&p);
	return rc;
}

static void
check_bytes(const struct world *w, const char *path, struct content *c,
    const char *after)
{
	static char told[LONGEST], real_ones[LONGEST];
	size_t got = 0;
	ssize_t n;
	int fd;

	assert_ok(content_read(c, 0, told, sizeof(told), &got, err));
	fd = open_for(w, path, O_RDONLY);
	n = read(fd, real_ones, sizeof(real_ones));
	(void)close(fd);
	if (n < 0 || (size_t)n != got || memcmp(told, real_ones, got) != 0)
		fail_msg("after %s: other bytes of %s", after, path);
}

void
check(const struct world *w, const char *path, const char *after)
{
	struct resource told = { 0 }, now = { 0 };
	struct content *c = NULL;
	enum err_code rc = store_stat(w->store, at(path), &told, NULL);
	enum err_code opened = store_open(w->store, at(path), &c, NULL);

	if (rc != look_anew(w, path, &now) || (!rc && !same(&told, &now)))
		fail_msg("after %s: %s is not told as it is", after, path);
	if (opened != (now.collection ? ERR_IS_COLLECTION : rc))
		fail_msg("after %s: %s is not opened", after, path);
	if (!c)
		return;
	assert_true(same(content_resource(c), &now));
	check_bytes(w, path, c, after);
	content_free(c);
}

const char *
member(char path[64], const char *dir, int i)
{
	(void)snprintf(path, 64, "%s/f%d", dir, i);
	return path;
}

void
check_all(const struct world *w, const char *after)
{
	char path[64];
	int i;

	for (i = 0; i < N_FILES; i++) {
		check(w, member(path, "/d", i), after);
		check(w, member(path, "/e", i), after);
	}
	check(w, "/d/s0", after);
	check(w, "/d/l0", after);
}

int
ready_set_up(void **state)
{
	static const char *const dirs[] = { "/d", "/e" };
	const struct world *w;
	char path[64];
	size_t d;
	int i;

	changes_await_inotify();
	(void)world_set_up(state);
	w = *state;
	for (d = 0; d < ARRAY_LEN(dirs); d++) {
		assert_int_equal(mkdir(real(w, dirs[d]), 0755), 0);
		for (i = 0; i < N_FILES; i++)
			add(w, member(path, dirs[d], i), "twelve bytes",
			    O_CREAT);
	}
	assert_int_equal(mkdir(real(w, "/d/s0"), 0755), 0);
	add(w, "/target", "t", O_CREAT);
	link_to(w, "../target", "/d/l0");
	return 0;
}
