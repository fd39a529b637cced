# shellcheck shell=bash
# The suite's own tests of verdicts and of hostile programs, on cgroup v2: as the service account and as ada.
# A choice: what rests on the counters of cgroups, and on their way of being killed. No test here is of speed.
# Only with --soak: it takes minutes.

VERDICTS=Contingious.Tests.Sandboxes.VerdictTests
CHOSEN=(
    --filter-class "$VERDICTS"
    --filter-class Contingious.Tests.Hostile.ProcessTests
    --filter-class Contingious.Tests.Sandboxes.JobStepsTests
    # It asserts how fast the host is.
    --filter-not-method "$VERDICTS.Measured_times_are_those_of_the_program"
)

phase_start() {
    export DOTNET_ROOT=$PAYLOAD/dotnet CONTINGIOUS_CLI=/usr/bin/contingious CONTINGIOUS_IMAGES=$PAYLOAD/images
    # What an emulated processor would spend its time on, and what needs no trying here.
    export DOTNET_TieredPGO=0 DOTNET_TieredCompilation=1
    # Two processors, and tests that run beside each other would wait for one another.
    run_tests "as the service account" contingious unshare -- "$TESTS" --results-directory "$(results_of contingious)" --parallel none "${CHOSEN[@]}"
    run_tests "as ada" as_ada DOTNET_ROOT="$DOTNET_ROOT" CONTINGIOUS_CLI="$CONTINGIOUS_CLI" CONTINGIOUS_IMAGES="$CONTINGIOUS_IMAGES" DOTNET_TieredPGO=0 \
        contingious unshare -- "$TESTS" --results-directory "$(results_of ada)" --parallel none "${CHOSEN[@]:0:2}" "${CHOSEN[@]: -2}"
}

results_of() { install -d -o "$1" "/var/tmp/results-$1" && echo "/var/tmp/results-$1"; }
