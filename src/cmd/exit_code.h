/* SPDX-License-Identifier: MIT */
/* What a command exits with: one rule (docs/design/exit-codes.md). */
#ifndef SHEAF_CMD_EXIT_CODE_H
#define SHEAF_CMD_EXIT_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/commands.h"
#include "outcome/verdict.h"

/* All zero is a command that did nothing, which is all that was asked. */
struct exit_facts {
	bool interrupted;
	bool cannot; /* go on: memory, the output, the retry file */
	bool usage; /* the arguments are wrong */
	bool refused; /* as a whole, for it was to be all or nothing */
	uint64_t total; /* items */
	uint64_t fates[FATE_COUNT]; /* of which so many */
	uint64_t blames[BLAME_COUNT]; /* of all items */
	uint64_t failed_by[BLAME_COUNT]; /* of those with FATE_FAILED */
};

void exit_add(struct exit_facts *f, enum fate fate, enum blame blame);

/* The first line of the table that fits. */
enum exit_code exit_code_of(const struct exit_facts *f);

#endif
