/* SPDX-License-Identifier: MIT */
/* A sink that counts. */
#ifndef SHEAF_OUTCOME_TALLY_H
#define SHEAF_OUTCOME_TALLY_H

#include <stdint.h>

#include "outcome/sink.h"

/* total = success + failed; success is status < 400 in every propstat's case
 * by the outcome's own status, so that an unknown property is no failure. */
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
 * 408, 425, 429, 502, 503, 504 and 423; in outcome/retry.def, as is all else
 * about what to send again.
 */
bool status_is_retryable(unsigned status);

#endif
