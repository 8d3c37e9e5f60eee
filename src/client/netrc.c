/* SPDX-License-Identifier: MIT */
#include "client/netrc.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
skip_line(struct str *rest)
{
	*rest = str_skip(*rest, str_find(*rest, '\n'));
}

/* Skips white space and comments. */
static void
skip_space(struct str *rest)
{
	for (;;) {
		while (rest->len && is_space(*rest->ptr))
			*rest = str_skip(*rest, 1);
		if (!rest->len || *rest->ptr != '#')
			return;
		skip_line(rest);
	}
}

/*
 * Reads a quoted word.  What follows its last quote is another word, also
 * without white space between.
 */
static void
put_quoted(struct str *rest, struct buf *out)
{
	*rest = str_skip(*rest, 1);
	while (rest->len && *rest->ptr != '"') {
		if (*rest->ptr == '\\' && rest->len > 1)
			*rest = str_skip(*rest, 1);
		buf_putc(out, *rest->ptr);
		*rest = str_skip(*rest, 1);
	}
	*rest = str_skip(*rest, 1);
}

static bool
next_word(struct str *rest, struct buf *out)
{
	buf_clear(out);
	skip_space(rest);
	if (!rest->len)
		return false;
	if (*rest->ptr == '"') {
		put_quoted(rest, out);
		return true;
	}
	while (rest->len && !is_space(*rest->ptr)) {
		buf_putc(out, *rest->ptr);
		*rest = str_skip(*rest, 1);
	}
	return true;
}

/* Skips a macro, which ends with an empty line. */
static void
skip_macro(struct str *rest)
{
	while (rest->len) {
		skip_line(rest);
		*rest = str_skip(*rest, 1);
		if (rest->len && *rest->ptr == '\r')
			*rest = str_skip(*rest, 1);
		if (rest->len && *rest->ptr == '\n')
			return;
	}
}

struct entry {
	bool applies; /* to the host */
	bool has_password;
};

static bool
entry_fits(const struct entry *e, const struct buf *login, struct str user)
{
	return e->applies && e->has_password &&
	    (!user.len || str_eq(buf_str(login), user));
}

bool
netrc_find(struct str text, struct str host, struct str user, struct buf *login,
    struct buf *password)
{
	struct buf word CLEANUP(buf_done) = { 0 };
	struct entry e = { 0 };

	buf_clear(login);
	buf_clear(password);
	while (next_word(&text, &word)) {
		struct str w = buf_str(&word);
		bool machine = str_eq(w, STR("machine"));

		if (machine || str_eq(w, STR("default"))) {
			if (entry_fits(&e, login, user))
				return true;
			buf_clear(login);
			buf_clear(password);
			e = (struct entry){ .applies = true };
			if (machine)
				e.applies = next_word(&text, &word) &&
				    str_eq_nocase(buf_str(&word), host);
		} else if (str_eq(w, STR("login"))) {
			(void)next_word(&text, login);
		} else if (str_eq(w, STR("password"))) {
			e.has_password = next_word(&text, password);
		} else if (str_eq(w, STR("account"))) {
			(void)next_word(&text, &word);
		} else if (str_eq(w, STR("macdef"))) {
			skip_macro(&text);
		}
	}
	return entry_fits(&e, login, user);
}
