# shellcheck shell=bash
# What vm-test.sh counts and prints. Sourced, never run.

PASSED=0 FAILED=0 SKIPPED=0 ENDED='' SCENARIO=

print_totals() {
    # Printed also where the machine never came up, which counts.
    [[ $ENDED ]] || FAILED=$((FAILED + 1))
    printf '\n%d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"
}

# count passed|failed|skipped TEXT
count() {
    case $1 in
        passed) PASSED=$((PASSED + 1)) && note "passed   ${SCENARIO:+$SCENARIO: }$2" ;;
        skipped) SKIPPED=$((SKIPPED + 1)) && note "skipped  ${SCENARIO:+$SCENARIO: }$2" ;;
        failed)
            FAILED=$((FAILED + 1)) && note "FAILED   ${SCENARIO:+$SCENARIO: }$2"
            [[ ! -e ${RESULTS:-}/$SCENARIO.log ]] || grep -v '^ *[0-9]*  @@' "$RESULTS/$SCENARIO.log" | tail -n 25 | sed 's/^/      | /'
            ;;
    esac
}

# count_tests PASSED FAILED SKIPPED TEXT: of a test program that ran in there.
count_tests() {
    PASSED=$((PASSED + $1)) SKIPPED=$((SKIPPED + $3))
    note "passed   $SCENARIO: $4: $1 tests, $3 skipped"
    (($2 == 0)) || {
        count failed "$4: $2 tests"
        FAILED=$((FAILED + $2 - 1))
    }
}

# What the machine said of itself, as text.
collect_results() {
    cp "$MACHINE/console.log" "$RESULTS/"
    timeout 60 "$MACHINE/ssh" vm 'journalctl --no-pager -o short-monotonic -u contingious; echo; systemctl --failed --no-pager' >"$RESULTS/journal.txt" 2>&1 </dev/null || true
    note "what it said is in $RESULTS"
}
