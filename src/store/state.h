/* SPDX-License-Identifier: MIT */
/*
 * What a directory store keeps beside the files, in SQLite: dead properties,
 * keyed by resource id.  One process at a time has a state directory open.
 *
 * A reader does not wait for a writer.  Every change is one transaction, on
 * disk when the function returns unless relaxed.
 */
#ifndef SHEAF_STORE_STATE_H
#define SHEAF_STORE_STATE_H

#include "store/store.h"

struct state;

struct state_spec {
	int dir; /* the state directory, not kept */
	const char *path; /* its absolute path, for SQLite and for messages */
	bool relaxed;
};

/*
 * ERR_IN_USE: another process has it open.  ERR_FORBIDDEN, ERR_READ_ONLY...:
 * it cannot be written; the message names --state as the way out.
 */
enum err_code state_open(const struct state_spec *spec, struct state **out,
    struct err *err) MUST_USE;

void state_close(struct state *s); /* NULL is fine */

/*
 * False: it has none.  True: it probably has.  A look at memory, cheap enough
 * for every member of every walk.
 */
bool state_may_have_props(const struct state *s, const struct resource_id *id);

/* As store_props(). */
enum err_code
state_props(struct state *s, const struct resource_id *id, struct arena *a,
    const struct prop **out, size_t *n, struct err *err) MUST_USE;

/* As store_patch(): all or none, in order. */
enum err_code state_patch(struct state *s, const struct resource_id *id,
    const struct prop_change *changes, size_t n, struct err *err) MUST_USE;

/* `to` has the properties of `from` from now on, and no others. */
enum err_code state_copy(struct state *s, const struct resource_id *from,
    const struct resource_id *to, struct err *err) MUST_USE;

/*
 * None of these n has any from now on.  A caller may ignore a failure: what is
 * left belongs to ids that are gone.
 */
enum err_code state_drop(
    struct state *s, const struct resource_id *ids, size_t n, struct err *err);

#endif
