/* SPDX-License-Identifier: MIT */
#include "store/world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void
world_open(struct world *w)
{
	const struct dir_store_spec spec = {
		.dir = w->tree,
		.state = w->state,
		.relaxed = !w->strict,
		.named_temps = w->named,
	};

	assert_ok(dir_store_open(&spec, &w->store, err));
}

int
world_set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	tmpdir_make(&w->base);
	(void)snprintf(w->tree, sizeof(w->tree), "%s/tree", w->base.path);
	(void)snprintf(w->state, sizeof(w->state), "%s/state", w->base.path);
	assert_int_equal(mkdir(w->tree, 0755), 0);
	world_open(w);
	*state = w;
	return 0;
}

int
world_set_up_strict(void **state)
{
	int rc = world_set_up(state);
	struct world *w = *state;

	store_close(w->store);
	w->strict = true;
	world_open(w);
	return rc;
}

int
world_tear_down(void **state)
{
	struct world *w = *state;

	store_close(w->store);
	tmpdir_remove(&w->base);
	free(w);
	return 0;
}

const char *
real(const struct world *w, const char *path)
{
	static char names[8][600];
	static unsigned turn;
	char *name = names[turn++ % ARRAY_LEN(names)];

	(void)snprintf(name, sizeof(names[0]), "%s%s", w->tree, path);
	return name;
}

void
link_to(const struct world *w, const char *target, const char *path)
{
	assert_int_equal(symlink(target, real(w, path)), 0);
}

size_t
count_entries(const struct world *w, const char *path)
{
	DIR *d = opendir(real(w, path));
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n - 2; /* "." and ".." */
}
