/* SPDX-License-Identifier: MIT */
/* Any line as one of a journal, and any text as what a server offers: what can
 * be read is written as it was. */
#include "fuzz.h"

#include "wire/batch_journal.h"
#include "wire/bulk_offer.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str line = fuzz_str(data, size);
	struct arena a = { 0 };
	struct buf once = { 0 }, twice = { 0 };
	struct journal_line l, back;
	struct bulk_offer o;
	struct err err = { 0 };
	enum err_code rc = journal_parse(&a, line, &l, &err);

	MUST(!rc || rc == ERR_BAD_BODY);
	MUST(!rc || err.tell[0]);
	if (!rc && l.kind != JOURNAL_OTHER) {
		journal_put(&once, &l);
		MUST(str_find(buf_str(&once), '\n') == once.len - 1);
		MUST(!journal_parse(&a, buf_str(&once), &back, NULL));
		MUST(back.kind == l.kind && back.ours == l.ours);
		journal_put(&twice, &back);
		MUST(str_eq(buf_str(&once), buf_str(&twice)));
	}
	if (!bulk_offer_read(&a, line, &o, NULL))
		MUST(o.operations);
	buf_done(&once);
	buf_done(&twice);
	arena_done(&a);
	return 0;
}
