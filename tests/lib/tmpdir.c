/* SPDX-License-Identifier: MIT */
#include "lib/tmpdir.h"

#include "lib/test.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void
tmpdir_make(struct tmpdir *t)
{
	const char *base = getenv("TMPDIR");
	int n = snprintf(t->path, sizeof(t->path), "%s/sheaf-test-XXXXXX",
	    base && *base ? base : "/tmp");

	assert_in_range(n, 1, sizeof(t->path) - 1);
	if (!mkdtemp(t->path))
		fail_msg("mkdtemp %s: %s", t->path, strerror(errno));
}

/* A directory comes twice: before its members, when it is opened up. */
static int
remove_entry(const FTSENT *e)
{
	if (e->fts_info == FTS_D)
		return chmod(e->fts_accpath, 0700);
	if (e->fts_info == FTS_DP || e->fts_info == FTS_DNR)
		return rmdir(e->fts_accpath);
	return unlink(e->fts_accpath);
}

void
tmpdir_remove(struct tmpdir *t)
{
	char *const roots[] = { t->path, NULL };
	FTSENT *e;
	FTS *fts;

	if (!*t->path)
		return;
	fts = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	assert_non_null(fts);
	while ((e = fts_read(fts)))
		if (remove_entry(e))
			fail_msg("remove %s: %s", e->fts_path, strerror(errno));
	(void)fts_close(fts);
	*t = (struct tmpdir){ 0 };
}
