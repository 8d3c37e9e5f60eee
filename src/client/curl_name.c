/* SPDX-License-Identifier: MIT */
/* Run by src/client/meson.build: prints the file name of the linked libcurl. */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int
main(void)
{
	void *call = dlsym(RTLD_DEFAULT, "curl_version");
	const char *name;
	Dl_info info;

	/* Called, so that the linker does not leave the library out. */
	if (!curl_version() || !call || !dladdr(call, &info))
		return 1;
	name = strrchr(info.dli_fname, '/');
	/* check-banned: meson reads it; it is no part of the program */
	return puts(name ? name + 1 : info.dli_fname) < 0;
}
