/* SPDX-License-Identifier: MIT */
/*
 * A sink that hands each outcome to several others (its branches) in order.
 * Each has a rule that says what its failure means to the whole.
 */
#ifndef SHEAF_OUTCOME_TEE_H
#define SHEAF_OUTCOME_TEE_H

#include "outcome/sink.h"

enum tee_rule {
	TEE_MUST, /* its failure fails the tee */
	TEE_MAY, /* its failure ends it alone; the others go on */
	TEE_FAILURES, /* like TEE_MAY, and it is given failures only */
};

struct tee_branch {
	struct sink *sink; /* borrowed; must outlive the tee */
	enum tee_rule rule;
};

#define TEE_MAX 4

struct tee {
	struct sink base;
	struct tee_branch branches[TEE_MAX];
	size_t n;
};

/* No branches yet: a tee of none accepts everything. */
struct sink *tee_init(struct tee *t);

/* Asserts that there is room (TEE_MAX). */
void tee_add(struct tee *t, struct sink *s, enum tee_rule rule);

#endif
