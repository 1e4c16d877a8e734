#!/bin/sh
# Runs the tests of $PKG. What a test needs beyond Go (curl, python3 with requests, node, redis, postgres, the toolchains of guests)
# is used when it is there; with CI=true or VCONDUIT_TEST_INSTALL=1 it is installed, with VCONDUIT_TEST_REQUIRE=1 a missing one fails.
set -u
: "${GO:=go}" "${PKG:=./...}" "${RACE:=-race}"
skips=$(mktemp)
trap 'rm -f "$skips"' EXIT
export VCONDUIT_TEST_SKIPS="$skips" VCONDUIT_TEST_BUILDFLAGS="$RACE"

install() { # command, Debian package
	command -v "$1" >/dev/null 2>&1 && return
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return
	[ -n "${updated:-}" ] || { apt-get update -qq && updated=1; }
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2"
}
if [ "${CI:-}" = true ] || [ "${VCONDUIT_TEST_INSTALL:-}" = 1 ]; then
	install curl curl
	install python3 python3
	install node nodejs
	install redis-server redis-server
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || install initdb postgresql # Debian keeps it out of PATH
	install npm npm
	install wat2wasm wabt
	install clang-19 clang-19
	install wasm-ld-19 lld-19
	[ -f /usr/lib/wasm32-wasi/crt1-reactor.o ] || install wasi-libc wasi-libc
	[ -d /usr/lib/llvm-19/lib/clang/19/lib/wasi ] || install libclang-rt-19-dev-wasm32 libclang-rt-19-dev-wasm32
	assemblyscript=$(dirname "$0")/../modules/examples/talkshare
	[ -d "$assemblyscript/node_modules" ] || (cd "$assemblyscript" && npm ci --silent --no-audit --no-fund)
	python3 -c 'import requests' 2>/dev/null || python3 -m pip install --quiet --disable-pip-version-check requests ||
		install python3-requests python3-requests
fi

# shellcheck disable=SC2086 # RACE holds several flags
$GO test $RACE $PKG
code=$?
if [ -s "$skips" ]; then
	echo "skipped for want of: $(sort -u "$skips" | paste -sd ';' - | sed 's/;/; /g')"
fi
exit $code
