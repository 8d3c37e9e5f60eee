#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The directory mounted by davfs2, and used through the mount.  Needs root and
# FUSE: where they are not, it says so and is skipped.

. "$(dirname "$0")/lib.sh"
need mount.davfs

skip() { # REASON
	printf 'skipped: %s\n' "$1"
	exit 77
}
[ "$(id -u)" = 0 ] || skip "only root may mount"
: 2>/dev/null <>/dev/fuse || skip "there is no FUSE here"

mnt=$WORK/mnt
mkdir "$mnt" "$WORK/cache"
# Each file is locked from its opening to its upload.  Nothing is put off.
cat >"$WORK/davfs2.conf" <<EOF
ask_auth 0
use_locks 1
lock_owner ann
dir_refresh 1
file_refresh 0
delay_upload 0
cache_dir $WORK/cache
EOF
# davfs2 gives up its rights; what it works in must be open to it.
chmod 755 "$WORK"
chmod 777 "$WORK/cache"
chmod 600 "$WORK/davfs2.conf"

printf 'before' >"$ROOT/there.txt"
timeout 60 mount -t davfs -o "conf=$WORK/davfs2.conf,noexec" "$URL/" "$mnt" \
	>"$WORK/mount.log" 2>&1 || {
	cat "$WORK/mount.log"
	mount -t tmpfs none "$mnt" 2>/dev/null || skip "mounting is not allowed here"
	umount "$mnt"
	check "mount" false
	finish
}
trap 'mountpoint -q "$mnt" && timeout 60 umount "$mnt"' EXIT

holds() { # FILE TEXT
	[ "$(cat "$1")" = "$2" ]
}
# davfs2 uploads when a file is closed, but on its own time.
soon() { # COMMAND...
	local i
	for ((i = 0; i < 100; i++)); do
		"$@" 2>/dev/null && return
		sleep 0.1
	done
	"$@"
}

read_file() { holds "$mnt/there.txt" before; }
write_file() { printf 'hello' >"$mnt/new.txt" && soon holds "$ROOT/new.txt" hello; }
overwrite() { printf 'again' >"$mnt/new.txt" && soon holds "$ROOT/new.txt" again; }
make_folder() { mkdir "$mnt/dir" && [ -d "$ROOT/dir" ]; }
rename_file() {
	mv "$mnt/new.txt" "$mnt/dir/named.txt" && soon holds "$ROOT/dir/named.txt" again &&
		[ ! -e "$ROOT/new.txt" ]
}
rename_folder() { mv "$mnt/dir" "$mnt/dir two" && soon holds "$ROOT/dir two/named.txt" again; }
# Held open for writing by the mount, so nobody else may write it.
locks_what_is_open() {
	local status
	exec 9>>"$mnt/there.txt" || return
	status=$(curl -s -o /dev/null -w '%{http_code}' -T "$WORK/davfs2.conf" "$URL/there.txt")
	exec 9>&-
	[ "$status" = 423 ] && soon curl -sf -o /dev/null -X PROPPATCH "$URL/there.txt" \
		-d '<propertyupdate xmlns="DAV:"><set><prop><a/></prop></set></propertyupdate>'
}
big_file() {
	head -c 3000000 /dev/urandom >"$WORK/big" && cp "$WORK/big" "$mnt/big" &&
		soon cmp "$WORK/big" "$ROOT/big"
}
delete_file() { rm "$mnt/big" && soon test ! -e "$ROOT/big"; }
# By their names: with davfs2 1.6 on recent kernels (6.18), readdir() of any folder
# fails with EINVAL, whatever the server.
delete_folder() {
	mkdir "$mnt/gone" && printf x >"$mnt/gone/x" && soon test -s "$ROOT/gone/x" &&
		rm "$mnt/gone/x" && rmdir "$mnt/gone" && soon test ! -e "$ROOT/gone"
}
unmount() { timeout 60 umount "$mnt"; }

for step in read_file write_file overwrite locks_what_is_open make_folder rename_file rename_folder \
	big_file delete_file delete_folder unmount; do
	check "$step" "$step"
done
finish
