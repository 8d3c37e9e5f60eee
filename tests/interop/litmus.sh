#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Each test of one litmus suite is a case, and each warning is one that fails.
# litmus.sh SUITE

. "$(dirname "$0")/lib.sh"
need litmus
suite=$1

log=$WORK/litmus.log
TESTS=$suite litmus -k "$URL/" 2>&1 | tr '\r' '\n' | sed 's/\x1b\[[0-9;]*m//g' >"$log"
cat "$log"

# " 4. put_get............... pass (with 1 warning)", or, where a warning came
# between, the verdict on a line of its own: "    ...................... pass".
while read -r name verdict; do
	check "$suite $name" test "$verdict" = pass
done < <(awk '
	match($0, /^ *[0-9]+\. [a-z_0-9]+/) { name = $2; sub(/\.+$/, "", name) }
	match($0, /\.\.* *(pass|FAIL|SKIPPED)/) {
		verdict = substr($0, RSTART, RLENGTH)
		sub(/^\.* */, "", verdict)
		print name, verdict
	}' "$log")

while IFS= read -r warning; do
	check "$suite warns: $warning" false
done < <(grep -o 'WARNING: .*' "$log")

# A test that never ran has no line of its own, but litmus sums up.
check "$suite ran to its end" grep -qE 'summary for .* 0 failed\. 100\.0%' "$log"
finish
