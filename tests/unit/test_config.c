/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"
#include "lib/tmpdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/config.h"

#define ARGS_MAX 8

static const char *const nothing[] = { NULL };

struct loaded {
	struct config c;
	struct config_asks asks;
	struct buf said;
	enum err_code rc;
};

static void
load(struct loaded *l, const char *const *args, const char *const *env)
{
	*l = (struct loaded){ 0 };
	l->rc = config_load(&l->c, &l->asks, args, env, &l->said);
}

static void
loaded_done(struct loaded *l)
{
	config_done(&l->c);
	buf_done(&l->said);
}

/* A directory of its own for a test, as the current one. */
struct place {
	struct tmpdir dir;
	char *was;
};

static void
place_enter(struct place *p)
{
	p->was = getcwd(NULL, 0);
	assert_non_null(p->was);
	tmpdir_make(&p->dir);
	assert_int_equal(chdir(p->dir.path), 0);
}

static void
place_leave(struct place *p)
{
	assert_int_equal(chdir(p->was), 0);
	free(p->was);
	tmpdir_remove(&p->dir);
}

/* A file in the current directory, for --config. */
static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
every_default_is_allowed_by_its_own_row(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, nothing, nothing);
	assert_int_equal(l.rc, ERR_OK);
	assert_string_equal(l.c.listen, "127.0.0.1:4918");
	assert_string_equal(l.c.dir, ".");
	assert_int_equal(l.c.max_xml, 1 << 20);
	assert_int_equal(l.c.header_timeout, 20 * NSEC_PER_SEC);
	assert_int_equal(l.c.durability, DURABILITY_STRICT);
	assert_true(l.c.compression);
	assert_false(l.c.anonymous);
	assert_null(l.asks.file);
	assert_false(l.asks.help || l.asks.print);
	loaded_done(&l);
}

static void
every_row_can_be_told_from_the_others(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < config_n_options; i++) {
		const struct config_option *o = &config_options[i];

		assert_true(o->min <= o->max);
		assert_true(strlen(o->doc) > 10);
		assert_int_equal(o->doc[strlen(o->doc) - 1], '.');
		assert_int_equal(!!o->choices, o->type == CONFIG_CHOICE);
		for (j = 0; j < i; j++)
			assert_string_not_equal(
			    o->flag, config_options[j].flag);
	}
}

static void
the_nearest_place_wins(void **state)
{
	static const struct {
		const char *what;
		const char *args[ARGS_MAX];
		const char *env[3];
		uint64_t want;
	} cases[] = {
		{ "built in", { NULL }, { NULL }, 16 },
		{ "file", { "--config", "f.ini" }, { NULL }, 3 },
		{ "file named by the environment", { NULL },
		    { "SHEAF_CONFIG=f.ini" }, 3 },
		{ "environment over file", { "--config=f.ini" },
		    { "SHEAF_WORKERS=4" }, 4 },
		{ "flag over both", { "--config=f.ini", "--workers", "5" },
		    { "SHEAF_WORKERS=4" }, 5 },
		{ "the later flag", { "--workers=5", "--workers=6" }, { NULL },
		    6 },
		{ "another variable", { NULL }, { "SHEAF_WORKERSX=4" }, 16 },
	};
	struct place place = { 0 };
	size_t i;

	(void)state;
	place_enter(&place);
	write_file("f.ini", "# a comment\n[threads]\nworkers = 3\n");
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct loaded l;

		print_message("%s\n", cases[i].what);
		load(&l, cases[i].args, cases[i].env);
		assert_int_equal(l.rc, ERR_OK);
		assert_int_equal(l.c.workers, cases[i].want);
		loaded_done(&l);
	}
	place_leave(&place);
}

static void
values_mean_what_they_say(void **state)
{
	static const struct {
		const char *arg;
		const char *printed; /* NULL: refused */
	} cases[] = {
		{ "--max-xml=4096", "4K" },
		{ "--max-xml=4k", "4K" },
		{ "--max-xml=16M", "16M" },
		{ "--max-xml=1G", "1G" },
		{ "--max-xml=5000", "5000" },
		{ "--max-xml=4095", NULL },
		{ "--max-xml=2G", NULL },
		{ "--max-xml=", NULL },
		{ "--max-xml=M", NULL },
		{ "--max-xml=1.5M", NULL },
		{ "--max-xml=-1", NULL },
		{ "--max-xml=16MB", NULL },
		{ "--max-xml=18446744073709551615T", NULL },
		{ "--header-timeout=30s", "30s" },
		{ "--header-timeout=300ms", "300ms" },
		{ "--header-timeout=90s", "90s" },
		{ "--header-timeout=120s", "2m" },
		{ "--header-timeout=1h", "1h" },
		{ "--header-timeout=30", NULL },
		{ "--header-timeout=2h", NULL },
		{ "--header-timeout=0s", NULL },
		{ "--rate-grace=0", "0" },
		{ "--workers=1", "1" },
		{ "--workers=0", NULL },
		{ "--workers=1K", NULL },
		{ "--compression", "on" },
		{ "--compression=no", "off" },
		{ "--no-compression", "off" },
		{ "--compression=maybe", NULL },
		{ "--no-compression=on", NULL },
		{ "--durability=relaxed", "relaxed" },
		{ "--durability=none", NULL },
		{ "--log-format=json", "json" },
		{ "--prefix=", "" },
		{ "--prefix=/a b", "/a b" },
		{ "--no-prefix", NULL },
		{ "--workerss=1", NULL },
		{ "-w", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const char *const args[] = { cases[i].arg, NULL };
		struct str name = str_from_c(cases[i].arg);
		struct buf got = { 0 };
		struct loaded l;
		size_t j;

		print_message("%s\n", cases[i].arg);
		load(&l, args, nothing);
		assert_int_equal(
		    l.rc, cases[i].printed ? ERR_OK : ERR_BAD_REQUEST);
		name = str_skip(str_head(name, str_find(name, '=')), 2);
		if (str_starts(name, STR("no-")))
			name = str_skip(name, 3);
		for (j = 0; cases[i].printed && j < config_n_options; j++)
			if (str_eq(str_from_c(config_options[j].flag), name))
				config_put_value(
				    &l.c, &config_options[j], &got);
		if (cases[i].printed)
			assert_str_equal(
			    buf_str(&got), str_from_c(cases[i].printed));
		else
			assert_true(l.said.len > 0);
		buf_done(&got);
		loaded_done(&l);
	}
}

static void
messages_name_option_value_place_and_what_is_allowed(void **state)
{
	static const struct {
		const char *file;
		const char *args[ARGS_MAX];
		const char *env[3];
		const char *said;
	} cases[] = {
		{ "", { "--max-xml", "big" }, { NULL },
		    "--max-xml: 'big' is not a size such as 512K or 16M from "
		    "4K to 1G" },
		{ "", { NULL }, { "SHEAF_DURABILITY=weak" },
		    "SHEAF_DURABILITY: 'weak' is not strict|relaxed" },
		{ "[limits]\n\nmax-xml = big\n", { "--config=f.ini" }, { NULL },
		    "f.ini:3: max-xml: 'big' is not a size such as 512K or 16M "
		    "from 4K to 1G" },
		{ "[server]\nmax-xml = 1M\n", { "--config=f.ini" }, { NULL },
		    "f.ini:2: max-xml belongs in section [limits]" },
		{ "[server]\nport = 80\n", { "--config=f.ini" }, { NULL },
		    "f.ini:2: port is no option; see --print-config" },
		{ "[server]\nlisten\n", { "--config=f.ini" }, { NULL },
		    "f.ini:2: neither a [section], a 'name = value' nor a "
		    "comment" },
		{ "", { "--config=none.ini" }, { NULL },
		    "cannot read the configuration 'none.ini': No such file or "
		    "directory" },
		{ "", { "--listen" }, { NULL },
		    "--listen: needs a value; see 'sheaf help serve'" },
		{ "", { "--frob" }, { NULL },
		    "--frob: no such option; see 'sheaf help serve'" },
		{ "", { "a", "b" }, { NULL },
		    "b: one DIR is enough; see 'sheaf help serve'" },
	};
	struct place place = { 0 };
	size_t i;

	(void)state;
	place_enter(&place);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct loaded l;

		write_file("f.ini", cases[i].file);
		load(&l, cases[i].args, cases[i].env);
		assert_int_not_equal(l.rc, ERR_OK);
		assert_str_equal(buf_str(&l.said), str_from_c(cases[i].said));
		loaded_done(&l);
	}
	place_leave(&place);
}

static void
a_line_that_is_too_long_is_refused_not_torn(void **state)
{
	static const char *const args[] = { "--config=f.ini", NULL };
	struct place place = { 0 };
	struct buf text = { 0 };
	struct loaded l;
	size_t i;

	(void)state;
	place_enter(&place);
	BUF_LIT(&text, "[server]\ndir = ");
	for (i = 0; i < 70000; i++)
		buf_putc(&text, 'x');
	buf_putc(&text, '\0');
	assert_int_equal(buf_failed(&text), ERR_OK);
	write_file("f.ini", text.ptr);
	load(&l, args, nothing);
	assert_int_equal(l.rc, ERR_BAD_REQUEST);
	assert_true(
	    str_starts(buf_str(&l.said), STR("f.ini:2: the line is over ")));
	loaded_done(&l);
	buf_done(&text);
	place_leave(&place);
}

static void
the_directory_is_the_operand(void **state)
{
	static const struct {
		const char *args[ARGS_MAX];
		const char *want;
	} cases[] = {
		{ { "/srv" }, "/srv" },
		{ { "--workers", "2", "/srv" }, "/srv" },
		{ { "/srv", "--workers=2" }, "/srv" },
		{ { "--", "--odd" }, "--odd" },
		{ { "--dir", "/srv" }, "/srv" },
		{ { "-" }, "-" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct loaded l;

		load(&l, cases[i].args, nothing);
		assert_int_equal(l.rc, ERR_OK);
		assert_string_equal(l.c.dir, cases[i].want);
		loaded_done(&l);
	}
}

static void
what_is_printed_reads_back_as_the_same(void **state)
{
	static const char *const args[] = { "--max-upload=3G",
		"--listen=[::1]:0", "--durability=relaxed", "--anonymous",
		"--idle-timeout=90s", NULL };
	static const char *const again[] = { "--config=f.ini", NULL };
	struct place place = { 0 };
	struct buf out = { 0 };
	struct loaded a, b;
	size_t i;

	(void)state;
	place_enter(&place);
	load(&a, args, nothing);
	assert_int_equal(a.rc, ERR_OK);
	config_print(&a.c, &out);
	buf_putc(&out, '\0');
	assert_int_equal(buf_failed(&out), ERR_OK);
	write_file("f.ini", out.ptr);
	load(&b, again, nothing);
	assert_str_equal(buf_str(&b.said), STR(""));
	assert_int_equal(b.rc, ERR_OK);
	for (i = 0; i < config_n_options; i++) {
		assert_false(config_differs(&a.c, &b.c, &config_options[i]));
		assert_non_null(strstr(out.ptr, config_options[i].flag));
	}
	loaded_done(&a);
	load(&a, nothing, nothing);
	assert_true(config_differs(&a.c, &b.c, &config_options[1]));
	loaded_done(&a);
	loaded_done(&b);
	buf_done(&out);
	place_leave(&place);
}

static void
running_out_of_memory_is_survived(void **state)
{
	static const char *const args[] = { "--workers=2", "/srv", NULL };
	static const char *const env[] = { "SHEAF_STATE=/x", NULL };
	unsigned long n;

	(void)state;
	for (n = 1; n < 1000; n++) {
		struct loaded l;
		bool failed;

		alloc_fail_at(n);
		load(&l, args, env);
		failed = alloc_fail_stop();
		assert_int_equal(failed, l.rc != ERR_OK);
		loaded_done(&l);
		if (!failed)
			return;
	}
	fail();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_default_is_allowed_by_its_own_row),
		cmocka_unit_test(every_row_can_be_told_from_the_others),
		cmocka_unit_test(the_nearest_place_wins),
		cmocka_unit_test(values_mean_what_they_say),
		cmocka_unit_test(
		    messages_name_option_value_place_and_what_is_allowed),
		cmocka_unit_test(a_line_that_is_too_long_is_refused_not_torn),
		cmocka_unit_test(the_directory_is_the_operand),
		cmocka_unit_test(what_is_printed_reads_back_as_the_same),
		cmocka_unit_test(running_out_of_memory_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
