/* SPDX-License-Identifier: MIT */
#include "wire/json_names.h"

#include "base/attr.h"

/* Room for a name; longer than any in the tables. */
#define LONGEST 32

struct row {
	struct str name;
	unsigned what;
};

static const struct row item_rows[] = {
#define ITEM(what, name) { STR_INIT(name), ITEM_##what },
#define DOC(what, name)
#define COUNT(what, name)
#include "wire/json_names.def"
#undef ITEM
#undef DOC
#undef COUNT
};

static const struct row doc_rows[] = {
#define ITEM(what, name)
#define DOC(what, name) { STR_INIT(name), DOC_##what },
#define COUNT(what, name)
#include "wire/json_names.def"
#undef ITEM
#undef DOC
#undef COUNT
};

static const struct row count_rows[] = {
#define ITEM(what, name)
#define DOC(what, name)
#define COUNT(what, name) { STR_INIT(name), COUNT_##what },
#include "wire/json_names.def"
#undef ITEM
#undef DOC
#undef COUNT
};

/* A name's letters, in lower case, and digits; empty if they are too many. */
static struct str
plain(struct str name, char *room)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!ascii_is_alpha(c) && !ascii_is_digit(c))
			continue;
		if (n == LONGEST)
			return STR("");
		room[n++] = ascii_lower(c);
	}
	return str_of(room, n);
}

static unsigned
find(const struct row *rows, size_t n, struct str name, unsigned *rank)
{
	char room[LONGEST];
	struct str wanted = plain(name, room);
	size_t i;

	for (i = 0; i < n && wanted.len; i++)
		if (rows[i].name.ptr[0] == room[0] &&
		    str_eq(rows[i].name, wanted)) {
			if (rank)
				*rank = (unsigned)i;
			return rows[i].what;
		}
	return 0;
}

enum item_name
item_name_of(struct str name, unsigned *rank)
{
	return (enum item_name)find(
	    item_rows, ARRAY_LEN(item_rows), name, rank);
}

enum doc_name
doc_name_of(struct str name)
{
	return (enum doc_name)find(doc_rows, ARRAY_LEN(doc_rows), name, NULL);
}

enum count_name
count_name_of(struct str name)
{
	return (enum count_name)find(
	    count_rows, ARRAY_LEN(count_rows), name, NULL);
}
