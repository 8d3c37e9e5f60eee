/* SPDX-License-Identifier: MIT */
#include "store/world.h"

#include <dirent.h>
#include <sqlite3.h>
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

static int64_t
count_rows(const struct world *w, const char *of)
{
	char file[400], sql[80];
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int64_t n;

	(void)snprintf(file, sizeof(file), "%s/state.db", w->state);
	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", of);
	assert_int_equal(
	    sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	return n;
}

int64_t
count_lines(const struct world *w, int kind)
{
	char of[40];

	(void)snprintf(of, sizeof(of), "journal WHERE kind = %d", kind);
	return count_rows(w, of);
}

int64_t
count_props(const struct world *w)
{
	return count_rows(w, "props");
}
