/* SPDX-License-Identifier: MIT */
/*
 * A slot of state_late.c, as it lies in the file: a line of the journal, with
 * what becomes of a lock or of properties where it is about those.
 */
#ifndef SHEAF_STORE_STATE_SLOT_H
#define SHEAF_STORE_STATE_SLOT_H

#include "store/state.h"

#define SLOT_TEXT ((size_t)224) /* bytes */

/* What becomes of a lock; numbers that no enum change_kind has. */
enum lock_step { LOCK_ADD = 16, LOCK_REFRESH, LOCK_REMOVE };

/* A CHANGE_PROPS with the changes themselves. */
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

/* How many of its bytes are used; what is behind them is never looked at. */
size_t slot_used(const struct slot *l);

/* Fill in a slot; false: it does not fit. */
bool slot_fill_change(struct slot *l, const struct change *c);
bool slot_fill_lock(struct slot *l, enum lock_step step, const struct lock *k);
bool slot_fill_props(struct slot *l, struct rpath path, struct str packed);

/* Gives it its number and its checksum: the last step before it is written. */
void slot_seal(struct slot *l, uint64_t number);

/* Whether it is as it was sealed. */
bool slot_is_good(const struct slot *l);

bool slot_is_lock(const struct slot *l);

/* Borrowed from the slot; false: there is none in it. */
bool slot_lock(const struct slot *l, struct lock *out);

#endif
