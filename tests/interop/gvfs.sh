#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the file managers of GNOME and others do with dav://, by gio.

. "$(dirname "$0")/lib.sh"
need gio
need dbus-run-session
[ -e /usr/share/gvfs/mounts/dav.mount ] || need gvfsd-dav

# All of it in a session bus of its own, at whose end gvfs ends.
if [ -z "${IN_SESSION:-}" ]; then
	mkdir -m 700 "$WORK/run" "$WORK/files"
	export IN_SESSION=1 XDG_RUNTIME_DIR=$WORK/run GVFS_DISABLE_FUSE=1 GIO_USE_VOLUME_MONITOR=unix
	exec dbus-run-session -- "$0"
fi

dav=dav://${URL#http://}
gio mount "$dav/" >"$WORK/mount" 2>&1 || {
	cat "$WORK/mount"
	check "mount" false
	finish
}

holds() { # FILE TEXT
	[ "$(cat "$1")" = "$2" ]
}
# It fails, and says so in these words.
fails() { # WORDS COMMAND...
	local words=$1
	shift
	! "$@" >"$WORK/said" 2>&1 && grep -i "$words" "$WORK/said"
}

cd "$WORK/files" || exit 1
printf one >a.txt
printf two >'b c é%.txt'
head -c 5M /dev/urandom >big

put() { gio copy a.txt "$dav/a.txt" && holds "$ROOT/a.txt" one; }
put_odd() {
	gio copy 'b c é%.txt' "$dav/b%20c%20%C3%A9%25.txt" && holds "$ROOT/b c é%.txt" two &&
		gio list "$dav/" | grep -Fx 'b c é%.txt'
}
put_again() { printf one2 >a.txt && gio copy a.txt "$dav/a.txt" && holds "$ROOT/a.txt" one2; }
there_and_back() { gio copy big "$dav/big" && gio copy "$dav/big" back && cmp big back; }
info() {
	gio info "$dav/a.txt" >"$WORK/info" && grep -q 'type: regular' "$WORK/info" &&
		grep -q 'standard::size: 4' "$WORK/info" && grep -q 'content-type: text/plain' "$WORK/info" &&
		grep -q 'etag::value' "$WORK/info"
}
room() { gio info -f "$dav/" | grep -E 'filesystem::free: [1-9]'; }
mkdir_() { gio mkdir "$dav/box" && [ -d "$ROOT/box" ] && fails 'exists' gio mkdir "$dav/box"; }
copy() { gio copy "$dav/a.txt" "$dav/box/" && holds "$ROOT/box/a.txt" one2; }
move() {
	gio move "$dav/box/a.txt" "$dav/box/m.txt" && holds "$ROOT/box/m.txt" one2 &&
		[ ! -e "$ROOT/box/a.txt" ]
}
rename() { gio rename "$dav/box/m.txt" 'n o.txt' && holds "$ROOT/box/n o.txt" one2; }
rename_folder() { gio rename "$dav/box" box2 && holds "$ROOT/box2/n o.txt" one2; }
save() { printf new | gio save "$dav/saved" && holds "$ROOT/saved" new; }
# An editor that has the version of an hour ago overwrites no other.
save_old() { ! printf mine | gio save -e '"old"' "$dav/saved" && holds "$ROOT/saved" new; }
save_there() { ! printf mine | gio save -c "$dav/saved" && holds "$ROOT/saved" new; }
print() { [ "$(gio cat "$dav/saved")" = new ]; }
remove_full() { fails 'not empty' gio remove "$dav/box2" && [ -e "$ROOT/box2/n o.txt" ]; }
remove() { gio remove "$dav/box2/n%20o.txt" && gio remove "$dav/box2" && [ ! -e "$ROOT/box2" ]; }
nothing() { fails 'not found\|no such' gio cat "$dav/none"; }
unmount() { gio mount -u "$dav/"; }

for step in put put_odd put_again there_and_back info room mkdir_ copy move rename rename_folder \
	save save_old save_there print remove_full remove nothing unmount; do
	check "$step" "$step"
done
finish
