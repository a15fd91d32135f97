#!/usr/bin/env bash
# Runs the given make targets in their order, each whatever became of those before it, and says what passed and how long it took. Targets
# that are joined by a plus run side by side, because they mostly wait: the first is seen as it goes on, what the others say is held back
# until it has ended. The last line, "N passed, N failed", is left in bin/test.txt as well.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p bin
rm -f bin/test.txt
work=$(mktemp -d)
beside=()

# A stage in the background has a process group of its own, which a terminal's interrupt does not reach.
leave() {
	for pid in "${beside[@]}"; do
		kill -INT -- "-$pid" 2>/dev/null || true # it may have ended
	done
	wait
	rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM

# run makes a target, and leaves its status, its seconds and the counts of its tests.
run() {
	local start=$SECONDS status=ok
	printf '\n== %s\n' "$1"
	: >"$work/$1.tally"
	TALLY_FILE=$work/$1.tally "${MAKE:-make}" --no-print-directory "$1" || status=FAILED
	echo "$status $((SECONDS - start))" >"$work/$1.status"
}

table= passed=0 failed=0
count() {
	local stage=$1 status seconds p f s
	read -r status seconds <"$work/$stage.status"
	read -r p f s < <(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' "$work/$stage.tally")
	if [ ! -s "$work/$stage.tally" ]; then # a stage without tests is one check itself
		[ "$status" = ok ] && p=1 || f=1
	elif [ "$status" = ok ] && [ "$p" = 0 ]; then # tests that did not run prove nothing
		status=EMPTY f=1
	elif [ "$status" = FAILED ] && [ "$f" = 0 ]; then # something beside the tests went wrong
		f=1
	fi
	passed=$((passed + p)) failed=$((failed + f))
	table+=$(printf '%-12s %-7s %6s s %6s passed %4s failed %4s skipped' "$stage" "$status" "$seconds" "$p" "$f" "$s")$'\n'
}

for group in "$@"; do
	IFS=+ read -r -a stages <<<"$group"
	for stage in "${stages[@]:1}"; do
		echo "FAILED 0" >"$work/$stage.status" # unless it comes to its end
		: >"$work/$stage.tally"
		set -m
		run "$stage" >"$work/$stage.out" 2>&1 </dev/null &
		beside+=($!)
		set +m
	done
	run "${stages[0]}"
	wait
	beside=()
	for stage in "${stages[@]:1}"; do cat "$work/$stage.out"; done
	for stage in "${stages[@]}"; do count "$stage"; done
done

printf '\n%s\n' "$table"
echo "$passed passed, $failed failed" | tee bin/test.txt
[ "$failed" = 0 ]
