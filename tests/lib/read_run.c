/* SPDX-License-Identifier: MIT */
#include "lib/read_run.h"

void
read_207(struct read_run *run, struct str body, struct read_how how)
{
	const struct reader_spec spec = { str_from_c(how.type), how.limits };
	size_t step = how.step ? how.step : body.len;
	struct text_sink to;
	struct reader *r;

	buf_clear(&run->said);
	run->reading = (struct reading){ 0 };
	run->err = (struct err){ 0 };
	run->rc =
	    reader_new(&spec, text_sink_init(&to, &run->said), &r, &run->err);
	to.places = how.places;
	if (run->rc)
		return;
	while (body.len) {
		(void)ostream_write(reader_stream(r), str_head(body, step));
		body = str_skip(body, step);
	}
	run->rc = reader_end(r, how.cut, &run->reading, &run->err);
	run->ended = to.ended;
	reader_free(r);
}

void
read_run_done(struct read_run *run)
{
	buf_done(&run->said);
}
