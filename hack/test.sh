#!/usr/bin/env bash
# Runs the given make targets in their order, each whatever became of those before it, and says what passed and how long it took. The
# last line, "N passed, N failed", is left in bin/test.txt as well.
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'exit 130' INT TERM

mkdir -p bin
rm -f bin/test.txt
TALLY_FILE=$(mktemp)
export TALLY_FILE
trap 'rm -f "$TALLY_FILE"' EXIT

table= passed=0 failed=0
for stage in "$@"; do
	printf '\n== %s\n' "$stage"
	: >"$TALLY_FILE"
	start=$SECONDS
	status=ok
	"${MAKE:-make}" --no-print-directory "$stage" || status=FAILED
	read -r p f s < <(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' "$TALLY_FILE")
	if [ ! -s "$TALLY_FILE" ]; then # a stage without tests is one check itself
		[ "$status" = ok ] && p=1 || f=1
	elif [ "$status" = ok ] && [ "$p" = 0 ]; then # tests that did not run prove nothing
		status=EMPTY f=1
	elif [ "$status" = FAILED ] && [ "$f" = 0 ]; then # something beside the tests went wrong
		f=1
	fi
	passed=$((passed + p)) failed=$((failed + f))
	table+=$(printf '%-12s %-7s %6s s %6s passed %4s failed %4s skipped' "$stage" "$status" $((SECONDS - start)) "$p" "$f" "$s")$'\n'
done

printf '\n%s\n' "$table"
echo "$passed passed, $failed failed" | tee bin/test.txt
[ "$failed" = 0 ]
