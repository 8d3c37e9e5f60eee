/* SPDX-License-Identifier: MIT */
/* What a command exits with: one rule (docs/design/exit-codes.md). */
#ifndef SHEAF_CMD_EXIT_CODE_H
#define SHEAF_CMD_EXIT_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/commands.h"
#include "outcome/verdict.h"

/* All zero is a command that had nothing to do: EXIT_OK. */
struct exit_facts {
	bool interrupted;
	bool cannot; /* it cannot go on: memory, the output, the retry file */
	bool usage; /* the arguments are wrong */
	bool refused; /* it was to be all or nothing, and is nothing */
	uint64_t total; /* items */
	uint64_t fates[FATE_COUNT]; /* items of each fate */
	uint64_t blames[BLAME_COUNT]; /* items of each blame */
	uint64_t
	    failed_by[BLAME_COUNT]; /* the same of those that FATE_FAILED */
};

void exit_add(struct exit_facts *f, enum fate fate, enum blame blame);

/* The first line of the table that fits. */
enum exit_code exit_code_of(const struct exit_facts *f);

#endif
