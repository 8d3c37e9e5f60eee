/* SPDX-License-Identifier: MIT */
/* Asks a person for a secret at the terminal, wherever stdin comes from. */
#ifndef SHEAF_CMD_PROMPT_H
#define SHEAF_CMD_PROMPT_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"

/*
 * Shows the question on /dev/tty, and appends the line that is typed, without
 * its end, to out.  What is typed is not shown.  A signal ends the question,
 * and is delivered when the terminal is as it was before.  ERR_NOT_FOUND: there
 * is no terminal.  ERR_CANCELLED: a signal, or the end of input. ERR_TOO_LARGE,
 * ERR_NOMEM, ERR_OS.
 */
enum err_code
prompt_secret(const char *question, struct buf *out, struct err *err) MUST_USE;

#endif
