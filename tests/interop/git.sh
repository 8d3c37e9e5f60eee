#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# git pushes to a repository that is nothing but files: it makes collections, sends
# objects under other names and moves them, and locks each reference for as long.

. "$(dirname "$0")/lib.sh"
need git
need curl
[ -x "$(git --exec-path)/git-http-push" ] || need git-http-push

export GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 GIT_AUTHOR_NAME=ann GIT_AUTHOR_EMAIL=a@b
export GIT_COMMITTER_NAME=ann GIT_COMMITTER_EMAIL=a@b

git init -q -b main --bare "$ROOT/r.git"
git -C "$ROOT/r.git" update-server-info
git init -q -b main "$WORK/here" && cd "$WORK/here" || exit 1

commit() { # NAME: 20 files in as many folders
	local i
	for i in {1..20}; do
		mkdir -p "$1 $i"
		printf '%s' "$1$i" >"$1 $i/file"
	done
	git add . && git commit -qm "$1"
}

is_there() { # BRANCH: at our commit, with all that it needs, and no lock is left
	[ "$(git -C "$ROOT/r.git" rev-parse "$1")" = "$(git rev-parse HEAD)" ] &&
		git -C "$ROOT/r.git" fsck --strict &&
		[ "$(curl -sS -X PROPFIND -H 'Depth: infinity' "$URL/r.git/" | grep -c activelock)" = 0 ]
}

push() { git push -q "$URL/r.git" HEAD:refs/heads/main && is_there main; }
push_more() { commit two && push; }
push_two() {
	git push -q "$URL/r.git" HEAD:refs/heads/deep/er HEAD:refs/heads/other && is_there deep/er &&
		is_there other
}
remove() {
	git push -q "$URL/r.git" :refs/heads/deep/er &&
		! git -C "$ROOT/r.git" rev-parse -q --verify refs/heads/deep/er
}
clone() {
	git clone -q -b main "$URL/r.git" "$WORK/back" && diff -r -x .git "$WORK/here" "$WORK/back"
}
# Somebody else holds the reference: git says so, and it stays as it is.
locked() {
	local was token
	was=$(cat "$ROOT/r.git/refs/heads/main")
	token=$(curl -sS -D - -o "$WORK/answer" -X LOCK -H 'Content-Type: application/xml' -d \
		'<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>' \
		"$URL/r.git/refs/heads/main" | tr -d '\r' | sed -n 's/^Lock-Token: //Ip')
	commit three
	! git push -q "$URL/r.git" HEAD:refs/heads/main || return
	[ "$(cat "$ROOT/r.git/refs/heads/main")" = "$was" ] || return
	curl -sS -f -X UNLOCK -H "Lock-Token: $token" "$URL/r.git/refs/heads/main" && push
}

commit one
check "push to an empty repository" push
check "push more" push_more
check "push two branches, one in a folder" push_two
check "remove a branch" remove
check "clone" clone
check "a reference that another has locked" locked
finish
