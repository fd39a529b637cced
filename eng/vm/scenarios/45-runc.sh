# shellcheck shell=bash
# The verdicts once more, by the other runtime; 40-verdicts has the core of them.
# Only with --soak: it takes minutes, and what it shares with the first run is most of it.

phase_start() {
    install -d -o contingious /var/tmp/results-runc
    DOTNET_ROOT=$PAYLOAD/dotnet CONTINGIOUS_CLI=/usr/bin/contingious CONTINGIOUS_IMAGES=$PAYLOAD/images CONTINGIOUS_RUNTIME=runc \
        run_tests "as the service account, by runc" contingious unshare -- "$TESTS" --results-directory /var/tmp/results-runc --parallel none \
        --filter-class Contingious.Tests.Sandboxes.VerdictTests --filter-class Contingious.Tests.Sandboxes.JobStepsTests \
        --filter-not-method Contingious.Tests.Sandboxes.VerdictTests.Measured_times_are_those_of_the_program
}
