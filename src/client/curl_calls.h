/* SPDX-License-Identifier: MIT */
/*
 * libcurl, which is loaded when a client is made and not when the program
 * starts: it brings two dozen libraries, which a server would carry as 3 MiB of
 * resident memory.
 */
#ifndef SHEAF_CLIENT_CURL_CALLS_H
#define SHEAF_CLIENT_CURL_CALLS_H

#include <curl/curl.h>

#include "base/err.h"

/* calls->easy_init is curl_easy_init(), and so on. */
struct curl_calls {
#define CALL(name) __typeof__(curl_##name) *(name);
#include "client/curl_calls.def"
#undef CALL
};

/*
 * Loads libcurl, which then stays; to do it again is cheap.  On any thread.
 * ERR_OS: it cannot be loaded, and err.why says why.
 */
enum err_code curl_calls_load(struct curl_calls *out, struct err *err) MUST_USE;

#endif
