/* SPDX-License-Identifier: MIT */
/*
 * The directory store from within.
 *
 * Files and directories are what the tree is made of; only dead properties
 * are kept elsewhere (state.h).  Clients see regular files and directories,
 * and links to those as what they lead to.  All else does not exist for them:
 * devices, sockets, FIFOs, links that lead nowhere or out of the tree, the
 * state directory, and names that begin with TEMP_PREFIX.
 *
 * A resource id is inode and birth time; where a file system has no birth
 * time, properties of a file that somebody else removed may come to a later
 * file with the same inode.
 */
#ifndef SHEAF_STORE_DIR_IMPL_H
#define SHEAF_STORE_DIR_IMPL_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "store/dir_claim.h"
#include "store/dir_ops.h"
#include "store/dir_syncs.h"
#include "store/impl.h"
#include "store/state.h"

#define STATE_NAME ".sheaf"
#define TEMP_PREFIX ".sheaf-tmp-"
#define TEMP_PREFIX_SIZE (sizeof(TEMP_PREFIX) + 17)
#define TEMP_NAME_SIZE (TEMP_PREFIX_SIZE + 16)

/* What we ask statx() for. */
#define STAT_MASK (STATX_BASIC_STATS | STATX_BTIME)

struct dir_store {
	struct store base;
	int root; /* O_PATH */
	unsigned dev_major, dev_minor; /* of the root */
	bool tells_inodes; /* d_ino is the inode of a member */
	struct resource_id root_id;
	bool relaxed; /* --durability=relaxed: nothing is synced */
	bool nameless; /* files may be made without a name and get one later */
	struct state *state;
	struct buf hidden; /* the state directory, if it is in the tree */
	struct resource_id hidden_id;
	_Atomic int64_t last_time; /* that dir_tick() gave */
	_Atomic unsigned batches; /* under way: bytes may not be synced */
	_Atomic unsigned keyed; /* batches among them that have records */
	_Atomic unsigned new_files; /* uploads in a row that replaced nothing */
	/* Uploads whose bytes are to be synced before they get a name. */
	_Atomic unsigned before_names;
	_Atomic uint64_t flushes_begun, flushes_done; /* dir_batch_flush() */
	struct claims claims;
	struct sync_lanes lanes;
	struct apply_gate *gate;
	struct listings *listings;
	struct ready *ready;
	int staging; /* -1: there is none; else see staging_now() */
	int staging_in; /* the collection it is in */
	const char *staging_name;
	pthread_mutex_t staging_lock; /* of staging_now(), which replaces it */
	char temp_prefix[TEMP_PREFIX_SIZE]; /* of this run alone */
	_Atomic uint64_t n_temps;
	bool sweeping;
	pthread_t sweeper;
	atomic_bool closing;
};

static inline struct dir_store *
dir_of(struct store *s)
{
	return CONTAINER_OF(s, struct dir_store, base);
}

/* ---- dir_gate.c: no reader sees half of an apply */

struct apply_gate;

struct apply_gate *apply_gate_new(void); /* NULL: no memory */
void apply_gate_free(struct apply_gate *g); /* NULL is fine */

/*
 * What a reader does in one go, and may do again:
 *
 *	struct look l = LOOK_NONE;
 *	while (look_on(ds, &l))
 *		look at the tree, wait for nobody, do not leave
 */
struct look {
	uint64_t moves;
	unsigned tries;
	bool alone;
};

#define LOOK_NONE ((struct look){ .tries = 0 })

bool look_on(const struct dir_store *ds, struct look *l);

/* A walk, which is many looks; see dir_gate.c.  It must not move. */
struct walking {
	struct walking *next;
	pthread_t who;
	bool looks; /* a WALK_LOOK, which waits for no claim */
};

/* False: at_once, and it would have had to wait. */
bool walking_begin(
    const struct dir_store *ds, struct walking *w, bool at_once) MUST_USE;
void walking_end(const struct dir_store *ds, struct walking *w);

/* An apply renames between these two; readers look again, or wait. */
void apply_gate_close(struct dir_store *ds);
void apply_gate_open(struct dir_store *ds);

/* ---- dir_path.c: from paths to places */

/*
 * openat2() that stays beneath dir and goes through no link at all.  Returns a
 * descriptor, or -1 and errno.  mode counts where a file is made.
 */
int open_beneath(int dir, const char *name, int flags, mode_t mode);

enum found {
	FOUND_NOTHING,
	FOUND_SERVED, /* a file or directory; stx says which */
	FOUND_LINK, /* only when links are not followed */
	FOUND_OTHER, /* something that does not exist for clients */
};

/*
 * A name in a collection, and what is there.  All zero but dir (-1) is fine
 * for place_done().
 */
struct place {
	const struct dir_store *ds;
	int dir; /* O_PATH */
	bool dir_is_root; /* and so the store's own */
	bool name_too_long;
	enum found found;
	char name[NAME_MAX + 1]; /* "." for the root */
	struct statx stx;
	/*
	 * Free of links, but for the name itself where it was not followed: the
	 * same for all paths that lead here.  Points into real, if that is not
	 * empty, else it is the caller's.
	 */
	struct rpath path;
	struct rpath asked; /* the path that was looked for: the caller's */
	struct buf real;
};

#define PLACE_NONE ((struct place){ .dir = -1 })

enum follow {
	FOLLOW_NO,
	FOLLOW_YES,
	/*
	 * Nothing is asked about the name: `found` says nothing.  For those who
	 * find out when they make something there.
	 */
	FOLLOW_BLIND,
};

void place_done(struct place *p);

/*
 * Finds where path leads, following links within the tree: to the collection
 * always, the last one if follow says so.  ERR_NOT_FOUND when there is no such
 * collection.
 */
enum err_code place_find(const struct dir_store *ds, struct rpath path,
    enum follow follow, struct place *p, struct err *err) MUST_USE;

/* The same for a reader within a look, and for an apply: waits for nobody. */
enum err_code place_find_now(const struct dir_store *ds, struct rpath path,
    enum follow follow, struct place *p, struct err *err) MUST_USE;

/* ERR_NOT_FOUND unless something is there (a link counts). */
enum err_code place_must_exist(const struct place *p, struct err *err) MUST_USE;

/*
 * place_find() for what is to be made, or replaced: ERR_NO_PARENT for
 * ERR_NOT_FOUND, and ERR_BAD_NAME or ERR_NAME_TOO_LONG when no resource can
 * have this name.
 */
enum err_code place_for_new(const struct dir_store *ds, struct rpath path,
    enum follow follow, struct place *p, struct err *err) MUST_USE;

/*
 * A place in the collection of another, by that one's descriptor, which has to
 * outlive it, and with FOLLOW_BLIND; false where it is in another.  Under a
 * claim to both.
 */
bool place_beside(const struct place *of, struct rpath path, struct place *p);

/* Asks about the name alone, where that was not done (FOLLOW_BLIND). */
enum err_code place_look(struct place *p, struct err *err) MUST_USE;

/* The resource at a place that is served. */
struct resource place_resource(const struct place *p);

/*
 * What a client sees at p; *mapped: anything.  Follows p if it is a link.  out
 * may be NULL: most changes have no condition to be asked about it.
 */
enum err_code place_seen(const struct place *p, struct resource *out,
    bool *mapped, struct err *err) MUST_USE;

/*
 * Sets name to the path from the root, for system calls, if that is shown to
 * clients and not long.  There may be links in it.
 */
#define PLAIN_MAX 512
bool path_is_plain(
    const struct dir_store *ds, struct rpath path, char name[PLAIN_MAX]);

/* Opens what is at p, with flags; -1 and errno. */
int place_open(const struct place *p, int flags);

static inline bool
place_is_dir(const struct place *p)
{
	return p->found == FOUND_SERVED && S_ISDIR(p->stx.stx_mode);
}

static inline bool
place_is_file(const struct place *p)
{
	return p->found == FOUND_SERVED && S_ISREG(p->stx.stx_mode);
}

/* Whether a name is one of ours for files that are not finished. */
bool temp_name_is(const char *name);

/* ---- dir_claim.c: changes to one path come one after the other */

/*
 * Finds the place(s), by place_find() or place_for_new(), and keeps others from
 * changing them until hold_done().  The places are found under the claim.
 */
enum err_code
hold_place(struct dir_store *ds, struct rpath path, enum follow follow,
    struct hold *h, struct place *p, struct err *err) MUST_USE;
enum err_code hold_new(struct dir_store *ds, struct rpath path,
    enum follow follow, enum scope scope, struct hold *h, struct place *p,
    struct err *err) MUST_USE;

/* Both with everything below them. */
enum err_code hold_two(struct dir_store *ds, struct rpath from,
    enum follow follow, struct place *src, struct rpath to, struct hold *h,
    struct place *dst, struct err *err) MUST_USE;

/* ---- dir_stat.c: what is known of a resource */

void dir_resource(
    const struct dir_store *ds, const struct statx *stx, struct resource *out);

/* The id alone, at a fifth of the price. */
struct resource_id dir_id(const struct dir_store *ds, const struct statx *stx);

/* The part of a statx() that a resource is made of. */
struct fact {
	uint64_t inode, size;
	int64_t modified, born;
	unsigned dev_major, dev_minor;
	mode_t mode;
	bool has_born;
	int failed; /* errno of the statx(), or 0: the rest is not known */
};

void fact_set(struct fact *f, const struct statx *stx);

/* Asks about a name in dir; does not follow a link. */
void fact_find(int dir, const char *name, struct fact *out);

void fact_resource(
    const struct dir_store *ds, const struct fact *f, struct resource *out);

bool dir_is_on_root_device(const struct dir_store *ds, const struct statx *stx);

/* statx() of an open descriptor. */
enum err_code dir_stat_fd(int fd, struct statx *out, struct err *err) MUST_USE;

/* Whether the collection was removed since its descriptor was opened. */
bool dir_has_gone(int dir);

/* Below this, asking for the room costs more than finding out. */
#define RESERVE_FROM ((uint64_t)65536)

/* A time later than any it gave before, in ns since 1970. */
int64_t dir_tick(struct dir_store *ds);

/* ---- dir_content.c: files that are read */

/* Takes the descriptor over. */
enum err_code
dir_content_new(const struct dir_store *ds, const struct statx *stx, int *fd,
    struct content **out, struct err *err) MUST_USE;

/* ---- dir_allows.c: what a change needs to be let through */

/*
 * In an arena: those that cover the path, those that cover its parent, those
 * that cover it by the name it was asked for, and all that cover it.
 */
struct protection {
	const struct lock *own, *around, *named, *all;
	size_t n_own, n_around, n_named, n_all;
};

/* Under a claim to p, or for a look. */
enum err_code place_protection(const struct place *p, struct arena *a,
    struct protection *of, struct err *err) MUST_USE;

/*
 * Whether the tokens of g are enough for these locks.  member: the collection
 * it is in gets or loses a member, or a member its name.
 */
enum err_code protection_allows(const struct protection *by, bool member,
    const struct guard *g, struct err *err) MUST_USE;

/*
 * Whether what is at p may be touched so, by someone with this guard (NULL:
 * none): asks g, and then for the tokens of the locks that protect it.  from
 * is the source of a copy or rename, else NULL.  Under a claim to p.
 */
enum err_code place_allows(const struct place *p, enum touch touch,
    const struct place *from, const struct guard *g, struct err *err) MUST_USE;

/*
 * Whether g has the tokens for all that is below p, or comes there:
 * ERR_MEMBER_LOCKED.  Under a claim to the tree.
 */
enum err_code place_allows_below(
    const struct place *p, const struct guard *g, struct err *err) MUST_USE;

/*
 * Whether g has the tokens for members of the collection that nobody locked by
 * themselves to change, to come and to go.  Under a claim to the tree.
 */
bool place_allows_members(const struct place *p, const struct guard *g);

/* ---- dir_act.c: a change, from the journal to the disk */

/*
 * The caller fills in kind, path and to, which live as long as this, and calls
 * those of the four functions that apply; then act_begin(), the change, and
 * act_end().  If that is not called, act_done() looks at what is there and
 * tells the state.  It must not move; declared after the hold and the places,
 * it is over before they are.
 */
struct act {
	struct change change;
	struct resource_id made, gone, props_of;
	struct noted note;
	struct dir_store *ds;
	struct store_batch *batch; /* NULL: synced by itself */
	bool waits; /* batch_waits() is known to say so */
	uint64_t intent;
	int sync[2];
};

#define ACT(...) ((struct act){ .sync = { -1, -1 }, .change = { __VA_ARGS__ } })

/* What comes into place, what it takes the place of, or is removed. */
void
act_makes(struct act *a, const struct dir_store *ds, const struct statx *stx);
void act_takes(struct act *a, const struct place *p);

/* What is made has the properties of what is at `from`. */
void act_inherits(struct act *a, const struct place *from);

/*
 * Has the change remembered, if g has a record: under the path that was asked
 * for; `now` is what will be there (NULL: nothing).
 */
void act_remembers(struct act *a, const struct guard *g, struct rpath asked,
    bool created, const struct resource *now);

/*
 * Writes the line.  dir and other (-1: none) are the collections whose entries
 * will change.  b may be NULL.
 */
enum err_code act_begin(struct act *a, struct dir_store *ds,
    struct store_batch *b, int dir, int other, struct err *err) MUST_USE;

/* The same for what was foretold: intent is what has come of its line. */
enum err_code act_begin_foretold(struct act *a, struct dir_store *ds,
    struct store_batch *b, int dir, uint64_t intent, struct err *err) MUST_USE;

/*
 * Writes the lines of several at once: all or none.  They wait for b, as
 * batch_waits() has said; or b is NULL, their collections are open already
 * (dir_sync_begin()), and none is to be made before state_wait(*number).
 */
#define ACTS_MAX 64
#define ACTS_SOME 16 /* where more would not pay */
enum err_code acts_begin(struct act *const *v, size_t n, struct dir_store *ds,
    struct store_batch *b, uint64_t *number, struct err *err) MUST_USE;

/*
 * Of a change that is the state's alone, instead of that: whether it waits, as
 * a->batch has it.
 */
void
act_props(struct act *a, struct dir_store *ds, struct store_batch *b, int dir);

/*
 * The change is in place: brings it to the disk, and does what is left.  When
 * that fails, it is there all the same, and a power cut may take it back.
 */
enum err_code act_end(struct act *a, struct err *err) MUST_USE;

/* The same where the caller has synced; rc: how that went. */
enum err_code
act_synced(struct act *a, enum err_code rc, struct err *err) MUST_USE;
void act_done(struct act *a);

/* ---- dir_recover.c: changes that were under way */

/* Whether the change has been made, by what is there now. */
enum err_code dir_change_seen(const struct dir_store *ds,
    const struct change *c, bool *in_place, struct err *err) MUST_USE;

/* Finishes, or takes back, what a crash left. */
enum err_code dir_recover(struct dir_store *ds, struct err *err) MUST_USE;

/* ---- changes made at once: see dir_apply.h */

enum err_code dir_find_spots(
    struct store *, struct store_spot *, size_t, struct arena *, struct err *);
enum err_code dir_resolve(struct store *, struct rpath, struct arena *,
    struct rpath *, struct err *) MUST_USE;
enum err_code dir_claim(
    struct store *, struct rpath, struct store_claim **, struct err *) MUST_USE;
void dir_claim_end(struct store *, struct store_claim *);
enum err_code dir_stage(struct store *, struct rpath,
    const struct upload_spec *, struct upload **, struct err *) MUST_USE;
enum err_code dir_apply(struct store *, struct store_claim *, struct edit *,
    size_t, struct err *) MUST_USE;

/* Finishes those that a crash has left. */
enum err_code dir_redo(struct dir_store *ds, struct err *err) MUST_USE;

/* ---- dir_staging.c: a place for what clients do not see */

/*
 * state: the state directory.  staging stays -1 where we may not write.  There
 * is nothing to be undone but by staging_close().
 */
enum err_code
staging_open(struct dir_store *ds, int state, struct err *err) MUST_USE;

/*
 * Begins to remove what earlier runs have left in staging, on a thread of its
 * own.
 */
void staging_sweep(struct dir_store *ds);
void staging_close(struct dir_store *ds); /* fine with -1 */

/*
 * Where to make what is for a place in dir: in staging, or, on another file
 * system, in dir itself.
 */
int staging_for(struct dir_store *ds, int dir);

/* Staging itself, made again if somebody has removed it; -1: there is none. */
int staging_now(struct dir_store *ds);

/* A hidden name that nothing else has, or had, anywhere. */
void temp_name_new(struct dir_store *ds, char out[TEMP_NAME_SIZE]);

/* One in staging that the sweep takes for something of an earlier run. */
void staging_left_name(struct dir_store *ds, char out[TEMP_NAME_SIZE]);

/*
 * What was displaced, to be removed with all that is below it.  Declared before
 * a hold, it goes when that is over: a large tree keeps nobody waiting.
 */
struct trash {
	struct dir_store *ds;
	int dir; /* borrowed */
	char name[TEMP_NAME_SIZE]; /* empty: nothing */
};

#define TRASH_NONE ((struct trash){ .dir = -1 })

void trash_done(struct trash *t);

/*
 * Hides what is at p, in a collection that is open; removed by the next
 * staging_sweep(), or at once where that cannot see it.
 */
enum err_code dir_set_aside(
    struct dir_store *ds, const struct place *p, struct err *err) MUST_USE;

/* ---- dir_move.c: one thing in the place of another */

/*
 * Renames `from` in fdir to p, in the place of what p found, which goes with
 * its properties.  What was displaced with members is hidden, and t's now.
 * ERR_EXISTS as above.
 */
enum err_code dir_move_into(struct dir_store *ds, int fdir, const char *from,
    bool from_is_dir, const struct place *p, struct trash *t,
    struct err *err) MUST_USE;

/* ---- dir_trees.c: removing what nobody sees */

/*
 * Removes everything below `name` in dir, and itself, with its properties; goes
 * on past what cannot be removed.  Ends early when the store closes.
 */
void dir_remove_tree(struct dir_store *ds, int dir, const char *name);

/*
 * Removes what is left of unfinished work in an otherwise empty collection.
 * False: it has members, or some of it cannot be removed.
 */
bool dir_sweep(struct dir_store *ds, int dir);

/* ---- dir_change.c */

/*
 * What speaks against a copy or rename of src to dst: ERR_NOT_FOUND, ERR_SELF,
 * ERR_BAD_NAME, ERR_EXISTS.
 */
enum err_code dir_check_ends(const struct place *src, const struct place *dst,
    enum replace replace, struct err *err) MUST_USE;

/*
 * Removes what is at p, under a claim to it, by who may.  waits: of b, by
 * batch_waits().
 */
enum err_code dir_remove_at(struct dir_store *ds, const struct place *p,
    const struct guard *g, struct store_batch *b, bool waits,
    struct err *err) MUST_USE;

/* ---- dir_members.c: many files of one collection; see impl.h */

void dir_copy_members(struct store *, const struct member_files *, bool itself,
    struct rpath, const struct guard *, struct store_batch *, bool *done_itself,
    bool *done);
void
dir_remove_members(struct store *, const struct member_files *, bool itself,
    const struct guard *, struct store_batch *, bool *done_itself, bool *done);

/* ---- dir_batch.c: many changes, synced once */

/*
 * Whether a change in dir (or to a file) can wait for the end of b (NULL: no).
 * False too when that is not possible, or not worth while.
 */
bool batch_waits(struct store_batch *b, int dir);

/* The same for a file of which it is known what it is. */
bool batch_waits_for(struct store_batch *b, int fd, const struct statx *stx);

/* Says that a change of the batch has a record. */
void batch_remembers(struct store_batch *b);

/*
 * Adds a change to, or takes it out of, those that the next dir_batch_flush()
 * writes down beforehand: dir_foretell.h.
 */
void batch_expects(struct store_batch *b, struct foretold *f);
void batch_forgets(struct store_batch *b, struct foretold *f);

/* A change that waits is in place; the state is told once it is on disk. */
enum err_code
batch_keep(struct store_batch *b, uint64_t intent, struct err *err) MUST_USE;

#endif
