#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sessions of cadaver, looked at from the directory served.

. "$(dirname "$0")/lib.sh"
need cadaver

# One session; each argument is a command.  Anything that cadaver says failed
# fails the case.
session() { # COMMAND...
	printf '%s\n' "$@" quit >"$WORK/commands"
	timeout 30 cadaver "$URL/" <"$WORK/commands" >"$WORK/session" 2>&1
	cat "$WORK/session"
	! grep -qiE 'failed|error|could not|unrecogni|unknown command' "$WORK/session"
}

holds() { # FILE TEXT
	[ "$(cat "$1")" = "$2" ]
}

mkdir "$WORK/files" && cd "$WORK/files" || exit 1
printf 'one' >a.txt
printf 'two' >"b c.txt"
printf 'three' >d.txt

put() { session 'put a.txt' && holds "$ROOT/a.txt" one; }
get() { session 'get a.txt back' && holds back one; }
mput() { session 'mput *.txt' && holds "$ROOT/b c.txt" two && holds "$ROOT/d.txt" three; }
mkcol() { session 'mkcol box' 'mkcol "box/in box"' && [ -d "$ROOT/box/in box" ]; }
copy() { session 'copy a.txt box/' && holds "$ROOT/box/a.txt" one && [ -e "$ROOT/a.txt" ]; }
move() { session 'move d.txt box/e.txt' && holds "$ROOT/box/e.txt" three && [ ! -e "$ROOT/d.txt" ]; }
copy_folder() { session 'copy box box2' && holds "$ROOT/box2/e.txt" three; }
move_folder() { session 'move box2 box3' && holds "$ROOT/box3/e.txt" three && [ ! -e "$ROOT/box2" ]; }
list() { session 'ls box' && grep -q 'e\.txt' "$WORK/session" && grep -q 'Coll:.*in box' "$WORK/session"; }
set_property() { session 'propset a.txt colour deep-blue'; }
get_property() { session 'propget a.txt colour' && grep -q 'deep-blue' "$WORK/session"; }
delete_property() { session 'propdel a.txt colour' && ! session 'propget a.txt colour'; }
delete() { session 'delete a.txt' && [ ! -e "$ROOT/a.txt" ]; }
delete_folder() { session 'rmcol box' && [ ! -e "$ROOT/box" ]; }

# cadaver shows its tokens by itself, and forgets them at the end of a session.
# It does not read the owner it sends: that is in an href.
lock() {
	session 'set lockowner ann' 'lock a.txt' 'put d.txt a.txt' 'discover a.txt' showlocks \
		'unlock a.txt' 'discover a.txt' && holds "$ROOT/a.txt" three &&
		grep -q 'Timeout: 3600 seconds' "$WORK/session" &&
		grep -q 'no locks found' "$WORK/session"
}
lock_folder() {
	session 'lock box' 'put a.txt box/new' 'discover box/new' 'delete box/new' 'unlock box' &&
		grep -q 'Depth infinity' "$WORK/session" && [ ! -e "$ROOT/box/new" ]
}
lock_new() { session 'lock new' 'put a.txt new' 'unlock new' 'delete new'; }
lock_of_another() {
	session 'lock a.txt' && ! session 'put d.txt a.txt' && grep -q '423' "$WORK/session" &&
		! session 'lock a.txt' && session 'steal a.txt' 'put a.txt' 'unlock a.txt' &&
		holds "$ROOT/a.txt" one
}

for step in put get mput mkcol lock lock_folder lock_new lock_of_another copy move copy_folder move_folder list set_property \
	get_property delete_property delete delete_folder; do
	check "$step" "$step"
done
finish
