/* SPDX-License-Identifier: MIT */
/*
 * A slot of state_late.c: a line of the journal, with what becomes of a lock or
 * of properties where it is about that.  It lies in the file as it is here.
 */
#ifndef SHEAF_STORE_STATE_SLOT_H
#define SHEAF_STORE_STATE_SLOT_H

#include "store/state.h"

#define SLOT_TEXT ((size_t)224) /* bytes */

/* What becomes of a lock; numbers beside those of enum change_kind. */
enum lock_step { LOCK_ADD = 16, LOCK_REFRESH, LOCK_REMOVE };

/* The same of a CHANGE_PROPS that has its changes with it. */
#define SLOT_PROPS 32U

struct slot {
	uint64_t number;
	uint64_t check; /* of the whole line, but for this */
	uint32_t kind; /* an enum change_kind or lock_step, or SLOT_PROPS */
	uint16_t path, other; /* bytes of text */
	int64_t expires; /* of a lock */
	char text[SLOT_TEXT];
};

#define SLOT_SIZE (sizeof(struct slot))

/* Bytes; what is behind them is never looked at. */
size_t slot_used(const struct slot *l);

/* False: it does not fit. */
bool slot_fill_change(struct slot *l, const struct change *c);
bool slot_fill_lock(struct slot *l, enum lock_step step, const struct lock *k);
bool slot_fill_props(struct slot *l, struct rpath path, struct str packed);

/* The last before it is written. */
void slot_seal(struct slot *l, uint64_t number);

/* Whether it is as it was sealed; what was read of it is all there. */
bool slot_is_good(const struct slot *l);

bool slot_is_lock(const struct slot *l);

/* Borrowed from the slot; false: there is none in it. */
bool slot_lock(const struct slot *l, struct lock *out);

#endif
