/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "cmd/commands.h"
#include "cmd/options.h"
#include "server/config.h"

static void
commands_are_sorted_and_found(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < n_commands; i++) {
		if (i)
			assert_true(
			    strcmp(commands[i - 1].name, commands[i].name) < 0);
		assert_ptr_equal(command_find(commands[i].name), &commands[i]);
		assert_true(strlen(commands[i].summary) > 0);
	}
	assert_null(command_find("serves"));
	assert_null(command_find(""));
}

/* Text without the backslashes that roff wants before dashes. */
static void
put_plain(struct buf *to, const struct buf *page)
{
	size_t i;

	for (i = 0; i < page->len; i++)
		if (page->ptr[i] != '\\')
			buf_putc(to, page->ptr[i]);
	buf_putc(to, '\0');
}

static void
help_and_manual_name_every_option_and_variable(void **state)
{
	const struct command *serve = command_find("serve");
	struct buf text = { 0 }, page = { 0 }, man = { 0 };
	size_t i;

	(void)state;
	help_put_command(&text, serve);
	buf_putc(&text, '\0');
	help_put_man(&page, serve);
	put_plain(&man, &page);
	assert_int_equal(buf_failed(&text) || buf_failed(&man), ERR_OK);
	for (i = 0; i < config_n_options; i++) {
		struct buf flag = { 0 }, variable = { 0 };

		buf_printf(&flag, "--%s", config_options[i].flag);
		buf_putc(&flag, '\0');
		config_put_variable(&config_options[i], &variable);
		buf_putc(&variable, '\0');
		assert_non_null(strstr(text.ptr, flag.ptr));
		assert_non_null(strstr(man.ptr, flag.ptr));
		assert_non_null(strstr(man.ptr, variable.ptr));
		buf_done(&flag);
		buf_done(&variable);
	}
	buf_done(&text);
	buf_done(&page);
	buf_done(&man);
}

/* Usage lines and what stands verbatim are as long as they are. */
static void
help_fits_a_terminal(void **state)
{
	struct buf text = { 0 };
	struct str rest, line;
	size_t i;

	(void)state;
	for (i = 0; i < n_commands; i++)
		help_put_command(&text, &commands[i]);
	assert_int_equal(buf_failed(&text), ERR_OK);
	rest = buf_str(&text);
	while (str_cut(&rest, '\n', &line))
		assert_true(line.len <= 80);
	buf_done(&text);
}

/* The names of a command's options stand in the file of each shell. */
static void
completion_knows_every_option(void **state)
{
	static const char *const shells[] = { "bash", "fish", "zsh" };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(shells); i++) {
		struct buf text = { 0 };

		assert_true(help_put_completion(&text, shells[i]));
		buf_putc(&text, '\0');
		assert_int_equal(buf_failed(&text), ERR_OK);
		for (k = 0; k < n_option_rows; k++)
			assert_true(!(option_rows[k].users & FOR_LOCKS) ||
			    strstr(text.ptr, option_rows[k].name));
		for (k = 0; k < config_n_options; k++)
			assert_non_null(
			    strstr(text.ptr, config_options[k].flag));
		for (k = 0; k < n_commands; k++)
			assert_non_null(strstr(text.ptr, commands[k].name));
		buf_done(&text);
	}
	assert_false(help_put_completion(&(struct buf){ 0 }, "csh"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_sorted_and_found),
		cmocka_unit_test(
		    help_and_manual_name_every_option_and_variable),
		cmocka_unit_test(help_fits_a_terminal),
		cmocka_unit_test(completion_knows_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
