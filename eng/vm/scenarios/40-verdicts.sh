# shellcheck shell=bash
# The suite's own tests of verdicts (with --soak of hostile programs and of jobs of several steps too), on cgroup v2: as the service account, as ada, and by runc.
# A choice: what rests on the counters of cgroups, and on their way of being killed. No test here is of speed.

VERDICTS=Contingious.Tests.Sandboxes.VerdictTests
CHOSEN=(
    --filter-class "$VERDICTS"
    # It asserts how fast the host is.
    --filter-not-method "$VERDICTS.Measured_times_are_those_of_the_program"
)
# Of the same code, what another way to a cgroup could change, or another runtime.
CORE=(
    --filter-method "$VERDICTS.A_memory_verdict_shows_the_kernel_s_own_count"
    --filter-method "$VERDICTS.A_fork_bomb_hits_the_process_limit_and_ends_with_its_step"
    --filter-method "$VERDICTS.Cancelling_ends_a_job_at_once"
    --filter-method "$VERDICTS.Idle_waiting_is_told_from_work_at_the_wall_clock_limit"
)
if [[ $SOAK ]]; then
    CHOSEN+=(--filter-class Contingious.Tests.Sandboxes.JobStepsTests --filter-class Contingious.Tests.Hostile.ProcessTests)
    CORE=("${CHOSEN[@]}")
fi

phase_start() {
    export DOTNET_ROOT=$PAYLOAD/dotnet CONTINGIOUS_CLI=/usr/bin/contingious CONTINGIOUS_IMAGES=$PAYLOAD/images
    # Two processors, and tests that run beside each other would wait for one another.
    run_tests "as the service account" contingious unshare -- "$TESTS" --results-directory "$(results_of contingious)" --parallel none "${CHOSEN[@]}"
    run_tests "as ada" as_ada DOTNET_ROOT="$DOTNET_ROOT" CONTINGIOUS_CLI="$CONTINGIOUS_CLI" CONTINGIOUS_IMAGES="$CONTINGIOUS_IMAGES" \
        contingious unshare -- "$TESTS" --results-directory "$(results_of ada)" --parallel none "${CORE[@]}"
    # 45-runc has more of it.
    [[ $SOAK ]] || run_tests "by runc" env CONTINGIOUS_RUNTIME=runc contingious unshare -- "$TESTS" --results-directory "$(results_of contingious)" --parallel none "${CORE[@]}"
}

results_of() { install -d -o "$1" "/var/tmp/results-$1" && echo "/var/tmp/results-$1"; }
