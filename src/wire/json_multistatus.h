/* SPDX-License-Identifier: MIT */
/* What the two JSON forms share; for wire/ alone. */
#ifndef SHEAF_WIRE_JSON_MULTISTATUS_H
#define SHEAF_WIRE_JSON_MULTISTATUS_H

#include "wire/multistatus_impl.h"

/* Whether a result is left out (Prefer: return=minimal). */
bool json_skips(const struct multistatus *m, const struct outcome *o);

/* The members of a result, without the braces around them. */
void json_put_result(struct multistatus *m, const struct outcome *o);

/* The members of the summary. */
void json_put_summary(struct multistatus *m);

/* Pieces of a result, for results_json.c: ,"props":{...},"propErrors":{...} */
void json_put_propstats(struct multistatus *m, const struct outcome *o);

/* ,"error":"Locked: someone else has it", or the phrase alone. */
void json_put_sentence(struct buf *b, unsigned status, struct str text);

#endif
