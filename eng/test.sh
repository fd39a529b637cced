#!/bin/bash
# Sets everything up as quickstart.sh does and runs every test. The last line counts them: N passed, N failed, N skipped
# usage: eng/test.sh [--soak] [--no-vm]
#   --soak   the long tests too
#   --no-vm  without those in the virtual machine (eng/vm-test.sh)
# What a host lacks makes tests skip, and makes them fail where CI is set.
set -euo pipefail
# shellcheck source=eng/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"
# shellcheck source=eng/lib/counts.sh
. "$CHECKOUT/eng/lib/counts.sh"

VM=yes
for argument; do
    case $argument in
        --soak) export CONTINGIOUS_SOAK=1 ;;
        --no-vm) VM='' ;;
        *) die "no such option: $argument. There are --soak and --no-vm" ;;
    esac
done

# First in, so that it is last out and its line the last one.
at_exit print_totals

# What the build has not said already: it runs the analyzers, and their warnings are errors. timeout ends both commands with itself.
start_format_check() {
    local arguments="--verify-no-changes --no-restore"
    (cd "$CHECKOUT" && exec timeout -k 10 30m nice -n 19 sh -c "dotnet format whitespace $arguments && dotnet format style $arguments") >"$WORK/format.log" 2>&1 </dev/null &
    FORMAT_PID=$!
    at_exit stop_process "$FORMAT_PID" 10 "dotnet format"
}

await_format_check() {
    if wait "$FORMAT_PID"; then
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

# The virtual machine runs beside the other tests, which leave half of the processors idle, and gives way to them.
start_vm_tests() {
    # timeout has what it starts in a group of its own, and ends all of that when it is told to end itself.
    env -u CONTINGIOUS_BROKER timeout -k 60 2h nice -n 19 "$CHECKOUT/eng/vm-test.sh" >"$WORK/vm.log" 2>&1 </dev/null &
    VM_PID=$!
    at_exit stop_process "$VM_PID" 30 "vm-test.sh"
}

await_vm_tests() {
    local code=0 passed failed skipped
    wait "$VM_PID" || code=$?
    sed '$d' "$WORK/vm.log" | sed 's/^/    /'
    if read -r passed failed skipped < <(tail -n 1 "$WORK/vm.log" | sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p'); then
        PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed)) SKIPPED=$((SKIPPED + skipped))
        ((code == 0 || failed > 0)) || count_failed "vm-test.sh ended with code $code"
    else
        count_failed "vm-test.sh ended with code $code and no summary"
    fi
}

say "programs"
install_packages "${TEST_PACKAGES[@]}"
# Only root can build the machine's disk. Where the programs cannot be had, vm-test.sh says so.
if [[ $VM ]] && is_root; then install_packages "${VM_PACKAGES[@]}" || true; fi
make_work_directory test
start_broker

say "build"
use_dotnet
build_command
build_tests

[[ ! $VM ]] || start_vm_tests

say "account"
choose_tree
set_up_account
"$CONTINGIOUS" import alpine-hello-world

start_format_check
await_broker
export CONTINGIOUS_CLI=$CONTINGIOUS
# The test program wants a directory for its reports, which the account must be able to write.
results=$(as_account mktemp -d /tmp/contingious-results.XXXXXX)
at_exit rm -rf "$results"
say "tests on the host"
run_tests host "$CHECKOUT/$TEST_PROGRAM" --results-directory "$WORK/results" --filter-not-trait Needs=keeper
say "tests inside the keeper, as $(account)"
run_tests keeper "$CONTINGIOUS" unshare -- "$TREE/$TEST_PROGRAM" --results-directory "$results" --filter-trait Needs=keeper

# Jobs of each of these are in sandboxes that were made ahead of them, where they can be; in the pass before none is but those of the pool's own tests.
say "the sandbox's tests once more, warm, over overlay clones"
run_tests overlay env CONTINGIOUS_TEST_CLONES=overlay CONTINGIOUS_TEST_WARM=yes "$CONTINGIOUS" unshare -- "$TREE/$TEST_PROGRAM" --results-directory "$results" --filter-trait Needs=keeper \
    --filter-class 'Contingious.Tests.Sandboxes.*' --filter-class 'Contingious.Tests.Hostile.*' --filter-class 'Contingious.Tests.Verdicts.*'
say "verdicts once more, warm"
run_tests warm env CONTINGIOUS_TEST_WARM=yes "$CONTINGIOUS" unshare -- "$TREE/$TEST_PROGRAM" --results-directory "$results" --filter-trait Needs=keeper \
    --filter-class 'Contingious.Tests.Verdicts.*'

say "checks"
await_format_check
for check in "$CHECKOUT"/eng/checks/*.sh; do
    run_check "$check"
done

if [[ $VM ]]; then
    say "in the virtual machine"
    await_vm_tests
fi

ENDED=yes
((PASSED > 0 && FAILED == 0))
