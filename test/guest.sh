#!/bin/sh
# Builds one guest: sh test/guest.sh FOLDER OUT. Tests and `make guests` build all of them here, with the lines that the
# SDKs' pages show; all keep the names of functions, which a trap's report needs.
#
# What FOLDER holds decides: Cargo.toml Rust, a .ts file AssemblyScript, a .c file C, else Go: a reactor when it calls
# link.Export, otherwise a command. Exit code 77: the toolchain is missing, the last line says what and how to get it.
set -eu
: "${GO:=go}"
folder=$(cd "$1" && pwd) out=$2
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$(dirname "$out")"
out=$(cd "$(dirname "$out")" && pwd)/$(basename "$out")
# Built beside the last one and renamed: another process may read that. Go links nothing anew when the copy is still right.
new=$out.$$
trap 'rm -rf "$new" "$new.o" "$new.target"' EXIT
if [ -f "$out" ]; then cp "$out" "$new"; fi

missing() { # what, how to get it
	echo "$1 is missing: $2" >&2
	exit 77
}

has() { # glob
	[ -e "$1" ]
}

go_guest() {
	mode=
	if grep -q 'link\.Export(' "$folder"/*.go; then mode=-buildmode=c-shared; fi
	# The same bytes in every folder and after every commit, so that digests can be compared. -w drops DWARF, not names.
	# shellcheck disable=SC2086 # empty or one flag
	(cd "$folder" && GOOS=wasip1 GOARCH=wasm GOFLAGS= $GO build -trimpath -buildvcs=false -ldflags=-w $mode -o "$new" .)
}

c_guest() {
	fix="apt-get install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32"
	for tool in clang-19 wasm-ld-19; do command -v $tool >/dev/null || missing $tool "$fix"; done
	crt=$(clang-19 --target=wasm32-wasi -print-file-name=crt1-reactor.o)
	[ -f "$crt" ] || missing wasi-libc "$fix"
	runtime=$(clang-19 --target=wasm32-wasi -print-libgcc-file-name)
	[ -f "$runtime" ] || missing libclang-rt "$fix"
	# Compiled and linked apart: the driver would run wasm-opt where that is installed, and lose the names.
	clang-19 --target=wasm32-wasi -std=c11 -O2 -Wall -Wextra -Werror -I"$root/sdk/c" -c -o "$new.o" "$folder"/*.c
	wasm-ld-19 --strip-debug --entry=_initialize -o "$new" "$crt" "$new.o" -L"$(dirname "$crt")" -lc "$runtime"
}

as_guest() {
	modules=$folder
	[ -d "$modules/node_modules" ] || modules=$root/modules/examples/talkshare
	asc=$modules/node_modules/assemblyscript/bin/asc.js
	command -v node >/dev/null || missing node "apt-get install nodejs"
	[ -f "$asc" ] || missing assemblyscript "(cd modules/examples/talkshare && npm ci)"
	(cd "$folder" && node "$asc" ./*.ts -o "$new")
}

rust_guest() {
	target=wasm32-unknown-unknown
	command -v cargo >/dev/null || missing cargo "https://rustup.rs"
	[ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || missing "rustc for $target" "rustup target add $target"
	(cd "$folder" && CARGO_TARGET_DIR="$new.target" cargo build --quiet --offline --release --target $target)
	mv "$new.target/$target/release/"*.wasm "$new"
}

if has "$folder/Cargo.toml"; then
	rust_guest
elif has "$folder"/*.ts; then
	as_guest
elif has "$folder"/*.c; then
	c_guest
else
	go_guest
fi
mv "$new" "$out"
