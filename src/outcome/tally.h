/* SPDX-License-Identifier: MIT */
/* A sink that counts. */
#ifndef SHEAF_OUTCOME_TALLY_H
#define SHEAF_OUTCOME_TALLY_H

#include <stdint.h>

#include "outcome/sink.h"

/*
 * total = success + failed, which counts what outcome_is_failure() is true of:
 * the status of the resource as a whole counts, not those of its propstats, so
 * that an unknown property is no failure.
 */
struct summary {
	uint64_t total;
	uint64_t success;
	uint64_t failed;
	uint64_t retryable; /* of failed: worth sending again as it was */
};

struct tally {
	struct sink base;
	struct summary sum;
};

struct sink *tally_init(struct tally *t);

void summary_add(struct summary *sum, const struct outcome *o);

/*
 * Whether the same again may succeed: 408, 423, 425, 429, 502, 503 and 504, as
 * outcome/retry.def says.
 */
bool status_is_retryable(unsigned status);

#endif
