#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# rclone copies, synchronises, compares and purges a tree of 2,000 files.

. "$(dirname "$0")/lib.sh"
need rclone

remote() {
	rclone --config "$WORK/none.conf" --webdav-url "$URL" --webdav-vendor other \
		--retries 1 --low-level-retries 1 --checkers 4 --transfers 4 "$@"
}

# rclone itself makes at most 100 requests a second, so 2,000 files take it a
# minute; under a sanitizer, 200 do.
each=20
[ -z "${SHEAF_SANITIZED:-}" ] || each=2

# 10 folders of 10 of `each` files; names and contents differ.
make_tree() { # DIR
	local a b c
	for a in {0..9}; do
		for b in {0..9}; do
			mkdir -p "$1/dir $a/sub%$b"
			for ((c = 0; c < each; c++)); do
				printf '%s' "$a$b$c" >"$1/dir $a/sub%$b/file-$c é&.txt"
			done
		done
	done
}

make_tree "$WORK/tree"
mkdir "$WORK/back"
count() { find "$1" -type f | wc -l; }

up() { remote copy "$WORK/tree" :webdav:up && [ "$(count "$ROOT/up")" = $((100 * each)) ]; }
same_there() { diff -r "$WORK/tree" "$ROOT/up"; }
check_up() { remote check --download "$WORK/tree" :webdav:up; }
down() { remote copy :webdav:up "$WORK/back" && diff -r "$WORK/tree" "$WORK/back"; }
sync_up() {
	rm -r "$WORK/tree/dir 3"
	printf changed-here >"$WORK/tree/dir 4/sub%4/new.txt"
	remote sync "$WORK/tree" :webdav:up && diff -r "$WORK/tree" "$ROOT/up"
}
sync_down() {
	rm -r "$ROOT/up/dir 5"
	printf changed-there >"$ROOT/up/dir 6/there.txt"
	remote sync :webdav:up "$WORK/back" && diff -r "$ROOT/up" "$WORK/back"
}
server_copy() {
	remote copy ":webdav:up/dir 7" :webdav:copied && diff -r "$ROOT/up/dir 7" "$ROOT/copied"
}
server_move() {
	remote moveto :webdav:copied :webdav:moved && [ ! -e "$ROOT/copied" ] &&
		diff -r "$ROOT/up/dir 7" "$ROOT/moved"
}
purge() { remote purge :webdav:up && [ ! -e "$ROOT/up" ]; }

check "copy up" up
check "what lies there is the same" same_there
check "check --download" check_up
check "copy down" down
check "sync up: additions and deletions" sync_up
check "sync down: additions and deletions" sync_down
check "copy on the server" server_copy
check "move on the server" server_move
check "purge" purge
finish
