/* SPDX-License-Identifier: MIT */
/*
 * Reads a 207 Multi-Status in any form and prints what failed in it.
 *
 *	read_207 [FILE]        a body; standard input without a name
 *
 * Exit status: 0 if everything in it is proven done, 3 if some items failed, 6
 * if what became of some is not known, 1 if it could not be read at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sheaf/sheaf.h>

static int
exit_status(enum sheaf_result result)
{
	switch (result) {
	case SHEAF_OK:
		return 0;
	case SHEAF_PARTIAL:
		return 3;
	case SHEAF_CONTRADICTS:
	case SHEAF_CUT_SHORT:
	case SHEAF_MALFORMED:
	case SHEAF_TOO_LARGE:
		return 6;
	default:
		return 1;
	}
}

/* What the item is called: JSON has ids, DAV has hrefs. */
static const char *
name_of(const struct sheaf_outcome *o)
{
	return *o->href ? o->href : o->id;
}

static void
print_item(const struct sheaf_outcome *o)
{
	const struct sheaf_condition *c = sheaf_condition_in(o->error);
	size_t i;

	printf("%s: %u %s\n", name_of(o), (unsigned)o->status,
	    sheaf_outcome_text(o));
	if (c)
		printf("    %s (%s): %s\n", c->means, c->rfc, c->todo);
	for (i = 0; i < o->n_propstats; i++)
		if (o->propstats[i].status / 100 != 2)
			printf("    %u for %lu of its properties\n",
			    (unsigned)o->propstats[i].status,
			    (unsigned long)o->propstats[i].n_props);
}

int
main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : STDIN_FILENO;
	const struct sheaf_reading *reading;
	const struct sheaf_outcome *o;
	struct sheaf_answer *answer;
	enum sheaf_result result;
	size_t i;

	if (fd < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	result = sheaf_read_fd(NULL, fd, NULL, NULL, &answer);
	if (!answer) {
		fprintf(stderr, "%s\n", sheaf_result_text(result));
		return exit_status(result);
	}
	for (i = 0; (o = sheaf_answer_item(answer, i)); i++)
		print_item(o);
	reading = sheaf_answer_reading(answer);
	if (reading->not_kept)
		printf("and %lu more\n", (unsigned long)reading->not_kept);
	if (result)
		fprintf(stderr, "%s\n", reading->message);
	sheaf_answer_free(answer);
	if (argc > 1)
		close(fd);
	return exit_status(result);
}
