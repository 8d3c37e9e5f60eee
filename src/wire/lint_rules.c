/* SPDX-License-Identifier: MIT */
#include "wire/lint.h"

const struct lint_rule_row lint_rules[LINT_COUNT] = {
#define RULE(id, severity, also, title, source, why, help) \
	[LINT_##id] = { #id, LINT_##severity, also, title, source, why, help },
#include "wire/lint_rules.def"
#undef RULE
};

enum lint_rule
lint_rule_find(struct str id)
{
	size_t i;

	for (i = 0; i < LINT_COUNT; i++)
		if (str_eq(str_from_c(lint_rules[i].id), id))
			return (enum lint_rule)i;
	return LINT_COUNT;
}
