# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For the scripts beside this file: count cases, say why one failed.

set -uo pipefail
passed=0
failed=0

# A case: passes when the command does, and shows what it said when not.
check() { # NAME COMMAND...
	local name=$1 out begin=${EPOCHREALTIME/./}
	shift
	if out=$("$@" 2>&1); then
		passed=$((passed + 1))
		printf 'ok     %s (%d ms)\n' "$name" $(((${EPOCHREALTIME/./} - begin) / 1000))
	else
		failed=$((failed + 1))
		printf 'FAILED %s: %s\n%s\n' "$name" "$*" "$out" | head -n 60
	fi
}

# The client is not installed: no case has run, which Meson shows as a skip.
# CI installs all of them, so there it is a failure.
need() { # PROGRAM
	command -v "$1" >/dev/null && return
	printf '%s is not installed\n' "$1"
	[ -z "${SHEAF_WERROR:-}" ] || exit 1
	exit 77
}

finish() {
	printf '%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit
}
