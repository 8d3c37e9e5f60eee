/* SPDX-License-Identifier: MIT */
/* All of libsheaf. */
#ifndef SHEAF_SHEAF_H
#define SHEAF_SHEAF_H

#include <sheaf/condition.h>
#include <sheaf/lint.h>
#include <sheaf/outcome.h>
#include <sheaf/plan.h>
#include <sheaf/reader.h>
#include <sheaf/result.h>
#include <sheaf/saved.h>
#include <sheaf/status.h>
#include <sheaf/version.h>
#include <sheaf/writer.h>

#endif
