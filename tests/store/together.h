/* SPDX-License-Identifier: MIT */
/* What the tests of commits that are made together share. */
#ifndef SHEAF_TESTS_STORE_TOGETHER_H
#define SHEAF_TESTS_STORE_TOGETHER_H

#include "store/commits.h"
#include "store/world.h"

struct joint_file {
	const char *path;
	const char *old; /* NULL: nothing is there */
};

#define N ((size_t)6)
extern const struct joint_file joint_files[N];

#define IN_A_ROW 20 /* enough for the next to be taken for new as well */

/*
 * Whether joint_begin() has the uploads make their files early, which they need
 * not do.
 */
extern bool joint_early;

/* Makes what is there before the uploads. */
void joint_build(struct store *s);
/*
 * Puts so many new files that the next are taken for new, too; none is called
 * f.
 */
void joint_put_new(struct store *s, char first);
/* Uploads of "new" to all of them; their commits; and then. */
enum err_code joint_begin(struct store *s, struct commit *v);
void joint_commit(struct commit *v);
void joint_end(struct commit *v);

/* together_batch.c */
void uploads_of_a_batch_are_made_together(void **state);
void what_speaks_against_one_of_a_batch_stops_no_other(void **state);

/* together_new.c */
void what_was_taken_for_new_is_replaced_beside_the_others(void **state);
void what_is_newer_than_what_came_meanwhile_is_synced_again(void **state);
void who_has_the_collection_of_one_that_fails_is_durable(void **state);

/* together_early.c */
void what_is_made_early_gets_its_name_when_it_is_committed(void **state);
void what_is_made_early_is_newer_than_what_it_replaces(void **state);
void
what_is_made_early_is_synced_beside_its_line_when_it_is_alone(void **state);

#endif
