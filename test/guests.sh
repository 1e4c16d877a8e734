#!/bin/sh
# Builds every guest of this tree into bin/guests. Beside the source of a committed one lies its module, which must be
# what the source gives. A missing toolchain is said, and fails with VCONDUIT_TEST_REQUIRE=1.
set -u
cd "$(dirname "$0")/.." || exit 1
code=0
for folder in builtin/link/*/guest hostabi/abitest/guest modules/examples/* sdk/c/example sdk/as/example; do
	[ -d "$folder" ] || continue
	out=bin/guests/$(echo "$folder" | tr / -).wasm
	committed=$folder/$(basename "$folder").wasm
	began=$(date +%s)
	said=$(sh test/guest.sh "$folder" "$out" 2>&1)
	built=$?
	if [ $built = 77 ]; then
		echo "$folder: not built: $(echo "$said" | tail -n 1)"
		[ "${VCONDUIT_TEST_REQUIRE:-}" = 1 ] && code=1
		continue
	elif [ $built != 0 ]; then
		echo "$folder: FAILED"
		echo "$said"
		code=1
		continue
	fi
	echo "$folder: $(wc -c <"$out" | tr -d ' ') bytes, $(($(date +%s) - began)) s"
	if [ -f "$committed" ] && ! cmp -s "$out" "$committed"; then
		echo "$committed is not what its source gives: commit what is built (cp $out $committed)"
		code=1
	fi
done
exit $code
