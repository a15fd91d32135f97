# Reads `go test -v` and says a line per package: what it held and how long it took, and the whole output of a package that failed.
# Specs of Ginkgo and tests of a second or more are named as they end, so that a slow suite is seen to go on. With the environment's
# TALLY_FILE a line "passed failed skipped" is added to that file.

function flush() {
	for (i = 1; i <= n; i++) print held[i]
	n = 0
}

function reset() {
	n = p = f = s = 0
	suite = 0
}

function total(line) {
	printf "%s  (%d passed, %d failed, %d skipped)\n", line, p, f, s
	passed += p; failed += f; skipped += s
	reset()
}

{
	sub(/\r$/, "")
	gsub(/\033\[[0-9;]*m/, "")
	held[++n] = $0
}

# A Ginkgo suite is one Go test: its specs are counted in its place.
/ Passed \| [0-9]+ Failed \| / {
	for (i = 2; i <= NF; i++) {
		if ($i == "Passed") p += $(i - 1)
		if ($i == "Failed") f += $(i - 1)
		if ($i == "Skipped") s += $(i - 1)
	}
	suite = 1
	next
}

# The line that names a spec comes before the one that says how long it took where Ginkgo is verbose, and behind it otherwise; what others
# log in between has a stamp.
/^-----+$/ { title = ended = ""; next }
ended != "" { print "    " ended " " $0; fflush(); ended = "" }
title == "" && /^[^ \t•]/ && !/^[EWI]?[0-9]+[\/ ]/ { title = $0 }
/^• \[/ { if (title == "") ended = $0; else { print "    " $0 " " title; fflush() }; next }

/^ *--- (PASS|FAIL|SKIP): / {
	if (suite && $2 != "SKIP:" && $1 == "---") { suite = 0; next }
	if ($2 == "PASS:") p++
	else if ($2 == "FAIL:") f++
	else s++
	seconds = $NF
	gsub(/[()s]/, "", seconds)
	if ($2 == "FAIL:" || seconds >= 1) { print "    " $2 " " $3 " " $NF; fflush() }
	next
}

/^ok  *\t/ { n = 0; total($0); fflush(); next }
/^\?  *\t/ { n = 0; reset(); next }

/^FAIL\t/ {
	if (f == 0) f = 1
	n-- # this line, said below
	flush()
	total($0)
	fflush()
	next
}

END {
	if (n > 0 && held[n] == "FAIL") n--
	flush()
	if (ENVIRON["TALLY_FILE"] != "") print passed + 0, failed + 0, skipped + 0 >>ENVIRON["TALLY_FILE"]
}
