/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "lib/test.h"

#include "base/attr.h"
#include "wire/once.h"

static void
what_was_seen_is_found_with_its_number(void **state)
{
	struct once o = { 0 };
	uint64_t i, hash[2], *seen;
	char name[24];

	(void)state;
	for (i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "%u", (unsigned)i);
		assert_int_equal(
		    once_put(&o, str_from_c(name), i, 1000, &seen), ERR_OK);
		assert_null(seen);
	}
	assert_int_equal(once_put(&o, STR("a"), 0, 1000, &seen), ERR_TOO_LARGE);
	assert_int_equal(once_put(&o, STR("7"), 0, 1000, &seen), ERR_OK);
	assert_int_equal(*seen, 7);
	once_hash(STR("a"), hash);
	assert_null(once_find(&o, hash));
	once_clear(&o);
	once_hash(STR("7"), hash);
	assert_null(once_find(&o, hash));
	once_done(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_seen_is_found_with_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
