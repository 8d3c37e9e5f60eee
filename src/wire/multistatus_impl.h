/* SPDX-License-Identifier: MIT */
/* What the writers of a 207 have in common; for wire/ alone. */
#ifndef SHEAF_WIRE_MULTISTATUS_IMPL_H
#define SHEAF_WIRE_MULTISTATUS_IMPL_H

#include "outcome/tally.h"
#include "wire/condition.h"
#include "wire/multistatus.h"
#include "wire/name_set.h"
#include "wire/pusher.h"

struct multistatus;

/*
 * A form of the document.  The functions append to m->push.out and need not
 * check: its failure sticks.
 */
struct form_ops {
	struct str media_type;
	/* Appends what was not escaped yet: the prefix, and hrefs of others. */
	void (*escape)(struct buf *b, struct str s);
	void (*begin)(struct multistatus *m);
	void (*put)(struct multistatus *m, const struct outcome *o);
	void (*end)(struct multistatus *m);
};

extern const struct form_ops xml_form;
extern const struct form_ops json_form;
extern const struct form_ops ndjson_form;

struct multistatus {
	struct sink base;
	const struct form_ops *form;
	struct pusher push;
	struct buf prefix; /* of hrefs, escaped */
	bool minimal;
	bool begun;
	bool any; /* results were written */
	struct summary sum; /* of what was put, this one included */
	struct name_set names; /* JSON: those in the object being written */
	struct buf key; /* scratch, for one of them */
};

/*
 * The resource that made it fail: o->about if that is known, else the outcome's
 * own.  Another one is known to be a collection only if it is above this one.
 */
struct cause
multistatus_cause(const struct multistatus *m, const struct outcome *o);

/* Appends the href of an outcome, which may be empty if it was told. */
void multistatus_put_href(struct multistatus *m, const struct outcome *o);

#endif
