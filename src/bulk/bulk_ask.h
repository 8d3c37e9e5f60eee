/* SPDX-License-Identifier: MIT */
/* What the header of a bulk request asks for. */
#ifndef SHEAF_BULK_BULK_ASK_H
#define SHEAF_BULK_BULK_ASK_H

#include "dav/exchange.h"
#include "http/negotiate.h"
#include "wire/batch.h"
#include "wire/results.h"

struct bulk_ask {
	enum batch_form batch; /* of the body */
	struct str boundary;
	enum form form; /* of the answer */
	struct preferences prefer;
	struct str key;
	bool dry_run;
	bool async;
	bool stop_on_error;
	bool budget_is_asked; /* by Prefer: wait */
	int64_t budget; /* ns; 0: none */
};

/* The failures are those of the endpoint itself: 400, 406, 413, 415. */
enum err_code
bulk_ask_read(struct bulk_ask *a, struct exchange *x, struct err *err) MUST_USE;

#endif
