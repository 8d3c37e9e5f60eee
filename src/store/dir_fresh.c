/* SPDX-License-Identifier: MIT */
/*
 * A new collection is filled where nobody sees it, with the collections in it,
 * and comes to its place by one rename.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_members.h"

/* Into a new collection that nobody sees. */
static bool
copy_hidden_file(struct many *m, size_t i, const char *name, int dir)
{
	struct statx stx;
	int in CLEANUP(fd_close) = many_open(m, name, &stx);
	int out CLEANUP(fd_close) = -1;

	if (in < 0)
		return false;
	out = openat(dir, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    stx.stx_mode & 0777);
	if (out < 0)
		return false;
	if (many_fill(m, in, out, stx.stx_size) &&
	    many_note_props(m, i, &stx, out, ""))
		return true;
	(void)unlinkat(dir, name, 0);
	return false;
}

static bool
make_hidden_collection(struct many *m, size_t i, const char *name, int dir)
{
	struct statx stx;
	int in CLEANUP(fd_close) =
	    open_beneath(m->from, name, O_PATH | O_DIRECTORY, 0);

	if (in < 0 ||
	    (state_may_have_any_props(m->ds->state) &&
		dir_stat_fd(in, &stx, NULL)) ||
	    mkdirat(dir, name, 0777))
		return false;
	if (many_note_props(m, i, &stx, dir, name))
		return true;
	(void)unlinkat(dir, name, AT_REMOVEDIR);
	return false;
}

/*
 * An id that is known to have properties would hand them on to who is new and
 * has the same.  With one property anywhere each copy would have to be asked
 * which it is; but all are born after the collection that they are in.
 */
static void
note_birth(struct many *m, int dir)
{
	const struct state *s = m->ds->state;
	struct statx stx;
	struct fact f;

	if (!state_may_have_any_props(s) || dir_stat_fd(dir, &stx, NULL))
		return;
	fact_set(&f, &stx);
	if (f.has_born && dir_is_on_root_device(m->ds, &stx) &&
	    !state_may_have_props_since(s, (uint64_t)f.born))
		m->since = (uint64_t)f.born;
}

/* Nobody has been given any meanwhile who was not there before. */
static bool
are_all_new(const struct many *m)
{
	return !m->since || !state_may_have_props_since(m->ds->state, m->since);
}

static void
copy_hidden(struct many *m, int dir)
{
	const struct member_files *all = m->members;
	struct str left = { 0 }; /* a collection that is not there */
	size_t i;

	note_birth(m, dir);
	for (i = 0; i < all->n; i++) {
		bool collection = member_is_collection(all, i);
		const char *name = many_name(m, all->names[i]);

		if (!name || member_is_below(all->names[i], left))
			continue;
		m->done[i] = collection
		    ? make_hidden_collection(m, i, name, dir)
		    : copy_hidden_file(m, i, name, dir);
		if (collection && !m->done[i])
			left = all->names[i];
	}
}

/*
 * Some lines.  Where there were properties a moment ago and none could be
 * copied, the source may have been replaced: then it has to be asked again.
 */
static bool
begin_lines(
    struct many *m, const struct change *lines, const size_t *members, size_t n)
{
	const struct change *all[ACTS_SOME] = { 0 };
	uint64_t intents[ACTS_SOME];
	bool good = true;
	size_t i;

	for (i = 0; i < n; i++)
		all[i] = &lines[i];
	if (state_changes_begin(m->ds->state, all, n, false, intents, NULL))
		return false;
	for (i = 0; i < n; i++) {
		struct inherited *p = &m->props[members[i]];

		p->intent = intents[i];
		good = good && p->intent;
	}
	return good;
}

static bool
make_line(struct many *m, size_t i, struct rpath to, struct change *out)
{
	const struct inherited *p = &m->props[i];

	*out = (struct change){
		.kind = member_is_collection(m->members, i) ? CHANGE_MKCOL
							    : CHANGE_WRITE,
		.made = &p->made,
		.props_of = &p->from,
		.late = true,
	};
	return !rpath_join(
	    &m->lines, to, m->members->names[i], &out->path, NULL);
}

/*
 * Of those with properties, which come before anybody can see them; the line of
 * the collection is for all others, too.
 */
static bool
write_lines(struct many *m, struct rpath to)
{
	struct change lines[ACTS_SOME];
	size_t members[ACTS_SOME];
	size_t i, n = 0;

	for (i = 0; i < m->members->n; i++) {
		if (!m->done[i] || !m->props[i].any)
			continue;
		if (!make_line(m, i, to, &lines[n]))
			return false;
		members[n++] = i;
		if (n < ACTS_SOME)
			continue;
		if (!begin_lines(m, lines, members, n))
			return false;
		arena_clear(&m->lines);
		n = 0;
	}
	return !n || begin_lines(m, lines, members, n);
}

/* What the state is to do about them, now or with the batch. */
static bool
end_lines(struct many *m, bool in_place)
{
	bool good = true;
	size_t i;

	for (i = 0; i < m->members->n; i++) {
		uint64_t intent = m->props[i].intent;

		if (intent && in_place)
			good = !batch_keep(m->batch, intent, NULL) && good;
		else
			state_change_end(m->ds->state, intent, false);
		m->props[i].intent = 0;
	}
	return good;
}

/* A collection that is complete in its place, which has nothing yet. */
static bool
install(struct many *m, struct temp *t, const struct place *p)
{
	struct act act CLEANUP(act_done) =
	    ACT(.kind = CHANGE_TREE, .path = p->path);
	struct statx stx;
	bool good;

	if (statx(t->dir, t->name, AT_SYMLINK_NOFOLLOW, STAT_MASK, &stx))
		return false;
	act_makes(&act, m->ds, &stx);
	act_inherits(&act, &m->in);
	act.waits = true;
	good = many_is_plain(m) && are_all_new(m) && write_lines(m, p->path) &&
	    !act_begin(&act, m->ds, m->batch, p->dir, -1, NULL) &&
	    (!act.change.props_of || act.intent) &&
	    !temp_install(m->ds, t, p, NULL, NULL) && !act_end(&act, NULL);
	return end_lines(m, !t->name[0]) && good;
}

static bool
put_in_place(struct many *m, struct temp *t, struct rpath to)
{
	struct hold h CLEANUP(hold_done) = { 0 };
	struct place p CLEANUP(place_done) = PLACE_NONE;

	return !hold_new(m->ds, to, FOLLOW_YES, SCOPE_TREE, &h, &p, NULL) &&
	    p.found == FOUND_NOTHING && rpath_eq(p.path, to) &&
	    !dir_check_ends(&m->in, &p, REPLACE_NO, NULL) &&
	    !place_allows(&p, TOUCH_CONTENT, NULL, m->guard, NULL) &&
	    !place_allows_below(&p, m->guard, NULL) &&
	    batch_waits(m->batch, p.dir) && install(m, t, &p);
}

/*
 * What is hidden and did not get to its place goes: by the names that are
 * known, since dir_remove_tree() has to ask about each.
 */
static void
hidden_done(struct many *m, struct temp *t, int dir)
{
	size_t i;

	if (!t->name[0])
		return;
	for (i = m->members->n; i-- > 0;) {
		const char *name = many_name(m, m->members->names[i]);
		bool collection = member_is_collection(m->members, i);

		if (m->done[i] && name)
			(void)unlinkat(
			    dir, name, collection ? AT_REMOVEDIR : 0);
		m->done[i] = false;
	}
	if (unlinkat(t->dir, t->name, AT_REMOVEDIR))
		dir_remove_tree(m->ds, t->dir, t->name);
	t->name[0] = '\0';
}

bool
many_copy_collection(struct many *m, struct rpath to)
{
	struct place near CLEANUP(place_done) = PLACE_NONE;
	struct temp t = TEMP_NONE;
	int dir CLEANUP(fd_close) = -1;
	bool made = false;

	if (place_for_new(m->ds, to, FOLLOW_NO, &near, NULL) ||
	    near.found != FOUND_NOTHING)
		return false;
	if (!temp_dir(m->ds, near.dir, false, &t, NULL))
		dir = open_beneath(t.dir, t.name, O_PATH | O_DIRECTORY, 0);
	if (dir >= 0)
		copy_hidden(m, dir);
	made = dir >= 0 && put_in_place(m, &t, to);
	hidden_done(m, &t, dir);
	return made;
}
