/* SPDX-License-Identifier: MIT */
#include "client/curl_calls.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "client/libcurl_name.h"

static const struct {
	const char *name;
	size_t at;
} rows[] = {
#define CALL(name) { "curl_" #name, offsetof(struct curl_calls, name) },
#include "client/curl_calls.def"
#undef CALL
};

enum err_code
curl_calls_load(struct curl_calls *out, struct err *err)
{
	/* RTLD_NODELETE: global_init() cannot be undone in full. */
	void *library =
	    dlopen(LIBCURL_NAME, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	size_t i;

	if (!library)
		return err_set(err, ERR_OS,
		    "libcurl, which the commands of the client need, cannot be "
		    "loaded: %s",
		    dlerror());
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		void *call = dlsym(library, rows[i].name);

		if (!call)
			return err_set(err, ERR_OS,
			    "libcurl, which the commands of the client need, "
			    "is too old: %s",
			    dlerror());
		/* POSIX has it that a function's address is one, too. */
		memcpy((char *)out + rows[i].at, &call, sizeof(call));
	}
	return ERR_OK;
}
