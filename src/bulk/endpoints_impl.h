/* SPDX-License-Identifier: MIT */
/* What the endpoints share. */
#ifndef SHEAF_BULK_ENDPOINTS_IMPL_H
#define SHEAF_BULK_ENDPOINTS_IMPL_H

#include "bulk/endpoints.h"
#include "bulk/jobs.h"
#include "bulk/run.h"

/* The rows of endpoints.def. */
extern const struct method_ops endpoint_bulk;
extern const struct method_ops endpoint_capabilities;
extern const struct method_ops endpoint_openapi;
extern const struct method_ops endpoint_request_schema;
extern const struct method_ops endpoint_answer_schema;
extern const struct method_ops endpoint_batch;
extern const struct method_ops endpoint_batch_cancel;
extern const struct method_ops endpoint_batch_results;

/* What stands for {id} in the path. */
struct str endpoint_id(const struct exchange *x);

/* A whole answer, of which nobody keeps a copy. */
enum err_code endpoint_reply(struct exchange *x, unsigned status,
    struct str type, const struct buf *body, struct err *err) MUST_USE;

/* How an asynchronous batch is getting on. */
enum err_code endpoint_reply_job(struct exchange *x, unsigned status,
    const struct job_status *now, struct err *err) MUST_USE;

#endif
