#!/bin/bash
# Sets everything up on a Debian machine and grades four submissions: a broker, an agent, rootless containers.
# Can be run as often as you like, as root or as an ordinary user who has sudo. Needs the .NET 10 SDK; fetches the rest.
# usage: eng/quickstart.sh
# CONTINGIOUS_BROKER=amqp://user:password@host:5672/ uses that broker in place of a private one.
set -euo pipefail
# shellcheck source=eng/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"
(($# == 0)) || die "takes no arguments. See eng/quickstart.sh --help"

IMAGE=alpine-hello-world
EXERCISE=examples/word-count

start_agent() {
    "$CONTINGIOUS" agent >"$WORK/agent.log" 2>&1 &
    AGENT_PID=$!
    at_exit stop_process "$AGENT_PID" 30 "the agent"
    if ! await 60 agent_is_ready_or_died || is_gone "$AGENT_PID"; then
        tail -n 20 "$WORK/agent.log" >&2
        die "the agent did not become ready (above is what it said). Ask: eng/contingious doctor"
    fi
}
agent_is_ready_or_died() { grep -qs ready "$WORK/agent.log" || is_gone "$AGENT_PID"; }

# Reads submit.py's lines (submission, verdict, evidence…), puts what was expected beside each, and fails where it differs.
compare_verdicts() {
    awk -v expected="$TREE/$EXERCISE/verdicts.txt" '
        function row(submission, expected, verdict, rest) {
            printf "    %-16s %-13s %-13s %9s %9s %10s  %s\n", submission, expected, verdict, rest[1], rest[2], rest[3], rest[4]
        }
        BEGIN {
            FS = "\t"
            while ((getline line < expected) > 0) { split(line, word, " "); want[word[1]] = word[2]; left++ }
            split("cpu|wall|memory|says", head, "|")
            row("submission", "expected", "verdict", head)
        }
        {
            split($3 "\t" $4 "\t" $5 "\t" $6, rest, "\t")
            row($1, want[$1], $2, rest)
            if ($2 == want[$1]) left--
        }
        END { exit left != 0 }'
}

say "programs"
# shellcheck disable=SC2119  # only what every user needs
install_packages
make_work_directory quickstart
start_broker

say "build"
use_dotnet
build_command

say "account"
choose_tree
set_up_account

say "image"
"$CONTINGIOUS" import "$IMAGE"

say "a container, by hand: contingious run $IMAGE"
"$CONTINGIOUS" run "$IMAGE" | tee "$WORK/hello"
grep -q 'Hello World' "$WORK/hello" || die "the container did not say 'Hello World'"

say "an agent, and the submissions of $EXERCISE"
await_broker
start_agent
"$PYTHON" "$TREE/examples/submit.py" --image "$IMAGE" --exercise "$TREE/$EXERCISE" \
    right wrong-answer endless-loop memory-hog | compare_verdicts || die "a verdict is not what $EXERCISE/verdicts.txt expects"

say "all verdicts are as expected. To try next:"
cat <<EOF
    eng/contingious run $IMAGE -- sh -c 'id; pwd; ls -la'
    eng/contingious run --cpu-time 1s $IMAGE -- sh -c 'while :; do :; done'; echo \$?
    eng/contingious images
    eng/contingious doctor
    eng/contingious --help
    eng/test.sh
    README.md says how it works, examples/README.md how to grade an exercise of yours.
EOF
