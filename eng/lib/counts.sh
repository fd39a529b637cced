# shellcheck shell=bash
# Counting tests: those of the test program, and whatever else passes, fails or is skipped. A script that came to its end sets ENDED.

PASSED=0 FAILED=0 SKIPPED=0 UNSTEADY=() ENDED=
readonly MOST_UNSTEADY=3

print_totals() {
    local test
    for test in "${UNSTEADY[@]}"; do printf '\nUNSTEADY: %s failed beside the others and passed alone. What made it fail is in its first output.\n' "$test"; done
    # Printed also where the set-up failed, which counts.
    [[ $ENDED ]] || FAILED=$((FAILED + 1))
    printf '\n%d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"
}

count_passed() { PASSED=$((PASSED + 1)) && note "passed   $1"; }
count_failed() { FAILED=$((FAILED + 1)) && note "FAILED   $1"; }
count_skipped() { SKIPPED=$((SKIPPED + 1)) && note "skipped  $1"; }

# The number after NAME: in the summary that Microsoft.Testing.Platform prints.
summary() { sed -n "s/^ *$2: \([0-9][0-9]*\)$/\1/p" "$1" | tail -n 1; }

# run_tests NAME CMD…: runs the test program and adds its summary to ours.
run_tests() {
    local name=$1 log=$WORK/$1.log code=0
    shift
    "$@" --no-ansi --no-progress 2>&1 | tee "$log" | sed 's/^/    /' || code=$?
    if [[ -z $(summary "$log" total) ]]; then
        count_failed "$name: the test program ended with code $code and no summary"
        return
    fi
    PASSED=$((PASSED + $(summary "$log" succeeded)))
    SKIPPED=$((SKIPPED + $(summary "$log" skipped)))
    local failed
    failed=$(summary "$log" failed)
    # 8 says that no test matched; 2, that some failed.
    ((code == 0 || code == 8 || failed > 0)) || count_failed "$name: the test program ended with code $code though no test failed"
    ((failed > 0)) || return 0
    if pass_alone "$name" "$failed" "$@"; then
        PASSED=$((PASSED + failed))
    else
        FAILED=$((FAILED + failed))
    fi
}

# pass_alone NAME COUNT CMD…: whether the tests that failed, at most MOST_UNSTEADY, pass when they are run once more with nothing of ours beside them but the
# virtual machine. They are named at the end: a test that needs that has a fault, or has found one.
pass_alone() {
    local name=$1 failed=$2 methods=() filters=() method
    shift 2
    mapfile -t methods < <(sed -n 's/^failed \([A-Za-z0-9_.]*\).*/\1/p' "$WORK/$name.log" | sort -u)
    ((failed <= MOST_UNSTEADY && ${#methods[@]} > 0)) || return 1
    for method in "${methods[@]}"; do filters+=(--filter-method "$method"); done
    note "once more, alone: ${methods[*]}"
    "$@" --no-ansi --no-progress "${filters[@]}" 2>&1 | tee "$WORK/$name-alone.log" | sed 's/^/    /' || return 1
    (($(summary "$WORK/$name-alone.log" succeeded) >= failed)) || return 1
    UNSTEADY+=("${methods[@]}")
}

