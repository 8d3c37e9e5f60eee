/* SPDX-License-Identifier: MIT */
/*
 * Makes one form of a 207 of any other, however long it is.
 *
 *	convert_207 xml|json|ndjson <IN >OUT
 *
 * Exit status: 0 if it was converted in full (whatever the items say), 1 if
 * not; then what was written has no end, and nobody can take it for whole.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sheaf/sheaf.h>

static int
to_stdout(void *arg, const char *bytes, size_t n)
{
	(void)arg;
	return fwrite(bytes, 1, n, stdout) != n;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		enum sheaf_form form;
	} forms[] = { { "xml", SHEAF_FORM_XML }, { "json", SHEAF_FORM_JSON },
		{ "ndjson", SHEAF_FORM_NDJSON } };
	struct sheaf_writer_options to = SHEAF_WRITER_OPTIONS_INIT;
	struct sheaf_answer *answer;
	enum sheaf_result result;
	size_t i;

	to.form = SHEAF_FORM_UNKNOWN;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (argc == 2 && !strcmp(argv[1], forms[i].name))
			to.form = forms[i].form;
	if (!to.form) {
		fprintf(stderr, "usage: convert_207 xml|json|ndjson\n");
		return 2;
	}
	result =
	    sheaf_convert_fd(NULL, STDIN_FILENO, &to, to_stdout, NULL, &answer);
	if (result && result != SHEAF_PARTIAL)
		fprintf(stderr, "%s\n",
		    answer ? sheaf_answer_reading(answer)->message
			   : sheaf_result_text(result));
	sheaf_answer_free(answer);
	if (fflush(stdout))
		return 1;
	return result != SHEAF_OK && result != SHEAF_PARTIAL;
}
