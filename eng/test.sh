#!/bin/bash
# Sets everything up as quickstart.sh does and runs every test. The last line counts them: N passed, N failed, N skipped
# usage: eng/test.sh [--soak]
#   --soak   the long tests too
# What a host lacks makes tests skip, and makes them fail where CI is set.
set -euo pipefail
# shellcheck source=eng/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

for argument; do
    case $argument in
        --soak) export CONTINGIOUS_SOAK=1 ;;
        *) die "no such option: $argument. The only one is --soak" ;;
    esac
done

PASSED=0 FAILED=0 SKIPPED=0 ENDED=
print_totals() {
    # Printed also where the set-up failed, which counts.
    [[ $ENDED ]] || FAILED=$((FAILED + 1))
    printf '\n%d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"
}
# First in, so that it is last out and its line the last one.
at_exit print_totals

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
    FAILED=$((FAILED + failed))
    # 8 says that no test matched; 2, that some failed.
    ((code == 0 || code == 8 || failed > 0)) || count_failed "$name: the test program ended with code $code though no test failed"
}

check_format() {
    if (cd "$CHECKOUT" && dotnet format --verify-no-changes --no-restore) >"$WORK/format.log" 2>&1; then
        count_passed "dotnet format has nothing to change"
    else
        tail -n 30 "$WORK/format.log"
        count_failed "dotnet format --verify-no-changes: run dotnet format"
    fi
}

# A check ends with 0 where it passed, 77 where it was skipped.
run_check() {
    local name log code=0 begun=$SECONDS
    name=$(basename "$1" .sh)
    log=$WORK/check-$name.log
    env -u CONTINGIOUS_BROKER "$1" >"$log" 2>&1 </dev/null || code=$?
    case $code in
        0) count_passed "$name ($((SECONDS - begun)) s)" ;;
        77) count_skipped "$name: $(tail -n 1 "$log")" ;;
        *)
            tail -n 40 "$log" | sed 's/^/      | /'
            count_failed "$name (code $code, $((SECONDS - begun)) s)"
            ;;
    esac
}

say "programs"
install_packages "${TEST_PACKAGES[@]}"
make_work_directory test
start_broker

say "build"
use_dotnet
build_command
build_tests

say "account"
choose_tree
set_up_account
"$CONTINGIOUS" import alpine-hello-world

say "format"
check_format

await_broker
export CONTINGIOUS_CLI=$CONTINGIOUS
# The test program wants a directory for its reports, which the account must be able to write.
results=$(as_account mktemp -d /tmp/contingious-results.XXXXXX)
at_exit rm -rf "$results"
say "tests on the host"
run_tests host "$CHECKOUT/$TEST_PROGRAM" --results-directory "$WORK/results" --filter-not-trait Needs=keeper
say "tests inside the keeper, as $(account)"
run_tests keeper "$CONTINGIOUS" unshare -- "$TREE/$TEST_PROGRAM" --results-directory "$results" --filter-trait Needs=keeper

say "the sandbox's tests once more, over overlay clones"
run_tests overlay env CONTINGIOUS_TEST_CLONES=overlay "$CONTINGIOUS" unshare -- "$TREE/$TEST_PROGRAM" --results-directory "$results" --filter-trait Needs=keeper \
    --filter-class 'Contingious.Tests.Sandboxes.*' --filter-class 'Contingious.Tests.Hostile.*' --filter-class 'Contingious.Tests.Verdicts.*'

say "checks"
for check in "$CHECKOUT"/eng/checks/*.sh; do
    run_check "$check"
done

ENDED=yes
((PASSED > 0 && FAILED == 0))
