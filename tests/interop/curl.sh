#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Uploads and downloads of every size that is special, compared by hash.

. "$(dirname "$0")/lib.sh"
need curl

status() { # WANT CURL-ARG...
	local want=$1 got
	shift
	got=$(curl -sS -o "$WORK/answer" -w '%{http_code}' "$@")
	[ "$got" = "$want" ] || {
		echo "$got instead of $want"
		head -c 2000 "$WORK/answer"
		return 1
	}
}

same() { # FILE FILE
	[ "$(sha256sum <"$1")" = "$(sha256sum <"$2")" ]
}

# What was sent lies in the directory, and comes back.
round_trip() { # FILE CURL-ARG...
	local file=$1 name
	name=$(basename "$file")
	shift
	rm -f "$WORK/answer"
	status 201 -T "$file" "$@" "$URL/$name" && same "$file" "$ROOT/$name" &&
		status 200 "$URL/$name" && same "$file" "$WORK/answer" &&
		status 204 -T "$file" "$@" "$URL/$name" && same "$file" "$ROOT/$name" &&
		status 204 -X DELETE "$URL/$name" && [ ! -e "$ROOT/$name" ]
}

big=1024 # MiB
[ -z "${SHEAF_SANITIZED:-}" ] || big=64

: >"$WORK/empty"
printf x >"$WORK/one"
head -c 65537 /dev/urandom >"$WORK/odd"
head -c 16M /dev/urandom >"$WORK/piece"
for ((i = 0; i < big / 16; i++)); do cat "$WORK/piece"; done >"$WORK/big"

check "0 bytes" round_trip "$WORK/empty"
check "1 byte" round_trip "$WORK/one"
check "65,537 bytes" round_trip "$WORK/odd"
check "65,537 bytes, chunked" round_trip "$WORK/odd" -H 'Transfer-Encoding: chunked'
check "65,537 bytes after 100 Continue" round_trip "$WORK/odd" -H 'Expect: 100-continue'

# Once: writing it, and syncing it to disk, takes its time.
big_round_trip() {
	status 201 -T "$WORK/big" "$URL/big" && status 200 "$URL/big" &&
		same "$WORK/big" "$WORK/answer" && cmp "$WORK/big" "$ROOT/big"
}
check "$big MiB" big_round_trip

# A download that broke off goes on where it stopped.
resume() {
	cp "$WORK/odd" "$ROOT/odd"
	head -c 30000 "$WORK/odd" >"$WORK/part"
	curl -sS -C - -o "$WORK/part" "$URL/odd" && same "$WORK/odd" "$WORK/part"
}
check "a download is resumed" resume

compressed() {
	curl -sS --compressed -X PROPFIND -H 'Depth: 1' "$URL/" | grep -q 'multistatus>'
}
check "a compressed listing is understood" compressed
finish
