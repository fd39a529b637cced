#!/bin/bash
# What the test program says is counted as it is: a failure stays one, unless the test passes when it is run once more, alone, and then it is named.
set -euo pipefail
# shellcheck source=eng/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../lib.sh"
make_work_directory counts

# Speaks as the test program does: of ten tests as many fail as FIRST says, and when only those are run, as many as SECOND says.
cat >"$WORK/program" <<'END'
#!/bin/bash
failed=$FIRST total=10
if [[ $* == *--filter-method* ]]; then failed=$SECOND total=$FIRST; fi
for ((i = 0; i < failed; i++)); do echo "failed A.Class.Of_tests_$i(word: \"a b\") (1s 2ms)"; done
printf 'Test run summary:\n  total: %d\n  failed: %d\n  succeeded: %d\n  skipped: 0\n' "$total" "$failed" $((total - failed))
((failed == 0)) || exit 2
END
chmod +x "$WORK/program"

# says FIRST SECOND TOTALS UNSTEADY: what is counted where so many fail at first and then, and how many are named.
says() {
    local said
    said=$(
        EXIT_COMMANDS=()
        # shellcheck source=eng/lib/counts.sh
        . "$CHECKOUT/eng/lib/counts.sh"
        run_tests stand-in env FIRST="$1" SECOND="$2" "$WORK/program" >/dev/null
        ENDED=yes
        print_totals
    )
    [[ $(tail -n 1 <<<"$said") == "$3" ]] || die "$1 failures and then $2 are counted as '$(tail -n 1 <<<"$said")', not as '$3'"
    [[ $(grep -c '^UNSTEADY: A.Class.Of_tests_' <<<"$said") == "$4" ]] || die "$1 failures and then $2 do not name $4 unsteady tests: $said"
}
says 0 0 "10 passed, 0 failed, 0 skipped" 0
says 2 0 "10 passed, 0 failed, 0 skipped" 2
says 2 1 "8 passed, 2 failed, 0 skipped" 0
says 2 2 "8 passed, 2 failed, 0 skipped" 0
says 4 0 "6 passed, 4 failed, 0 skipped" 0
echo "as it should be"
