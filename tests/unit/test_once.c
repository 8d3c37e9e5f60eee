/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "lib/test.h"

#include "base/attr.h"
#include "wire/once.h"

/* From the paper's reference: the key 00 01 02 ..., the text 00 01 02 ... */
static void
the_hash_is_siphash_of_128_bits(void **state)
{
	static const struct once_secret secret = { { 0x0706050403020100,
	    0x0f0e0d0c0b0a0908 } };
	static const struct {
		size_t n;
		uint64_t hash[2];
	} rows[] = {
		{ 0, { 0xe6a825ba047f81a3, 0x930255c71472f66d } },
		{ 15, { 0x11a8b03399e99354, 0xd9c3cf970fec087e } },
	};
	char text[16];
	uint64_t hash[2];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text); i++)
		text[i] = (char)i;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		once_hash(&secret, str_of(text, rows[i].n), hash);
		assert_true(hash[0] == rows[i].hash[0]);
		assert_true(hash[1] == rows[i].hash[1]);
	}
}

static void
each_secret_is_another(void **state)
{
	struct once_secret a, b;
	uint64_t of_a[2], of_b[2];

	(void)state;
	once_secret_init(&a);
	once_secret_init(&b);
	once_hash(&a, STR("/d/a"), of_a);
	once_hash(&b, STR("/d/a"), of_b);
	assert_true(of_a[0] != of_b[0] && of_a[1] != of_b[1]);
}

static void
what_was_seen_is_found_with_its_number(void **state)
{
	struct once_secret secret;
	struct once o = { 0 };
	uint64_t i, hash[2], *seen;
	char name[24];

	(void)state;
	once_secret_init(&secret);
	for (i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "%u", (unsigned)i);
		assert_int_equal(
		    once_put(&o, &secret, str_from_c(name), i, 1000, &seen),
		    ERR_OK);
		assert_null(seen);
	}
	assert_int_equal(
	    once_put(&o, &secret, STR("a"), 0, 1000, &seen), ERR_TOO_LARGE);
	assert_int_equal(
	    once_put(&o, &secret, STR("7"), 0, 1000, &seen), ERR_OK);
	assert_int_equal(*seen, 7);
	once_hash(&secret, STR("a"), hash);
	assert_null(once_find(&o, hash));
	once_clear(&o);
	once_hash(&secret, STR("7"), hash);
	assert_null(once_find(&o, hash));
	once_done(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_is_siphash_of_128_bits),
		cmocka_unit_test(each_secret_is_another),
		cmocka_unit_test(what_was_seen_is_found_with_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
