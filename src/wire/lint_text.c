/* SPDX-License-Identifier: MIT */
/* The forms of texts that several rules look at. */
#include "http/status.h"
#include "wire/lint_impl.h"

/* ---- S303 */

static size_t
find_text(struct str s, struct str what)
{
	const char *at = s.len >= what.len && what.len
	    ? memmem(s.ptr, s.len, what.ptr, what.len)
	    : NULL;

	return at ? (size_t)(at - s.ptr) : s.len;
}

/* ":12)" or ":12": a line of a source behind the name of its file. */
static bool
has_line_number(struct str s)
{
	size_t i, colon;

	while ((colon = str_find(s, ':')) < s.len) {
		s = str_skip(s, colon + 1);
		for (i = 0; i < s.len && ascii_is_digit(s.ptr[i]); i++)
			;
		if (i && (i == s.len || s.ptr[i] == ')' || s.ptr[i] == ':'))
			return true;
	}
	return false;
}

/* "at org.example.Thing.run(Thing.java:12)", as Java, .NET and node write. */
static bool
is_frame(struct str line)
{
	line = str_trim(line);
	return str_starts(line, STR("at ")) &&
	    (has_line_number(line) || find_text(line, STR("(")) < line.len) &&
	    find_text(line, STR(".")) < line.len;
}

bool
lint_is_stack_trace(struct str s)
{
	static const struct str marks[] = {
		STR_INIT("Traceback (most recent call last)"),
		STR_INIT("goroutine 1 [running]"),
		STR_INIT("Stack trace:"),
		STR_INIT("stack backtrace:"),
		STR_INIT("Exception in thread \""),
		STR_INIT("\n#0 "),
		STR_INIT("   at "),
		STR_INIT("\n\tat "),
	};
	struct str line;
	size_t i;

	for (i = 0; i < ARRAY_LEN(marks); i++)
		if (find_text(s, marks[i]) < s.len)
			return true;
	while (str_cut(&s, '\n', &line))
		if (is_frame(line))
			return true;
	return false;
}

/* ---- J209 */

bool
lint_is_uri_reference(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c))
			return false;
		if (c == '%' &&
		    (i + 2 >= s.len || ascii_hex(s.ptr[i + 1]) < 0 ||
			ascii_hex(s.ptr[i + 2]) < 0))
			return false;
	}
	return s.len > 0;
}

/* ---- X106, X107 */

static bool
take_version(struct str *line)
{
	/* With the digit that RFC 2616 s3.1 wants, and as later RFCs say. */
	static const struct str versions[] = { STR_INIT("HTTP/1.1 "),
		STR_INIT("HTTP/1.0 "), STR_INIT("HTTP/2 "),
		STR_INIT("HTTP/2.0 "), STR_INIT("HTTP/3 "),
		STR_INIT("HTTP/3.0 ") };
	size_t i;

	for (i = 0; i < ARRAY_LEN(versions); i++) {
		if (str_starts(*line, versions[i])) {
			*line = str_skip(*line, versions[i].len);
			return true;
		}
	}
	return false;
}

/* White space that XML is laid out with. */
static struct str
trim_space(struct str s)
{
	while (s.len && strchr(" \t\r\n", s.ptr[0]))
		s = str_skip(s, 1);
	while (s.len && strchr("\t\r\n", s.ptr[s.len - 1]))
		s.len--;
	return s;
}

unsigned
lint_status(struct lint *l, struct str line, const struct lint_place *at)
{
	struct str rest = trim_space(line);
	uint64_t status;

	if (!take_version(&rest) || !str_to_u64(str_head(rest, 3), &status) ||
	    status < 100 || status > 599 ||
	    (rest.len > 3 && rest.ptr[3] != ' ')) {
		LINT_SAY(l, X106, at,
		    "the status is '%.*s', which is no status line",
		    LINT_SHOW(line));
		return 0;
	}
	if (rest.len < 5)
		LINT_WARN(l, X106, at, "the status is '%.*s', without %s",
		    LINT_SHOW(line),
		    rest.len < 4 ? "a space and a reason phrase"
				 : "a reason phrase");
	if (status < 200)
		LINT_SAY(l, X107, at, "the status is %u, which is not final",
		    (unsigned)status);
	return (unsigned)status;
}
