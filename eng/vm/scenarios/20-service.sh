# shellcheck shell=bash
# The agent as a service of the host: it runs jobs, loses none however it is restarted, and can be watched.

is_active() { systemctl is-active --quiet contingious; }
is_ready() { is_active && journalctl -q -o cat -u contingious --since "$SINCE" | grep -q ready; }
agent_pid() { systemctl show -P MainPID contingious; }
reads_well() { ! journalctl -q -o cat -u contingious | grep -nE '^ +at |Exception|Unhandled'; }
has_no_children() { ! find /sys/fs/cgroup -path '*ctg-*' -name cgroup.procs | grep .; }
grades() {
    CONTINGIOUS_BROKER=amqp://guest:guest@127.0.0.1/ /usr/bin/python3 "$PAYLOAD/examples/submit.py" --cpu-time 20 --timeout 200 right wrong-answer | tee /dev/stderr | cut -f1,2 | LC_ALL=C sort >/run/verdicts
    diff /run/verdicts <(printf 'right\tOk\nwrong-answer\tNonZeroExit\n')
}
# The shell in the container counts, not this one.
# shellcheck disable=SC2016
exec_into_each() {
    local sandbox entered=0
    for sandbox in $(contingious ps --json | /usr/bin/python3 -c 'import json, sys; print(*(one["name"] for one in json.load(sys.stdin)))'); do
        contingious exec "$sandbox" -- sh -c 'echo from $((6 * 7))' >/run/said || return
        grep -q 'from 42' /run/said || return
        entered=$((entered + 1))
    done
    ((entered > 0))
}

phase_start() {
    SINCE=$(date '+%F %T')
    await_broker
    must "systemctl start contingious" systemctl start contingious
    check_soon 120 "the agent says that it is ready" is_ready
    check "a job says hello" says "Hello World" contingious submit --image alpine-hello-world
    check "an exercise is graded as it should be" grades

    jobs post restart 50 0.5
    must "jobs are answered" jobs wait restart 8 200
    check "systemctl restart, in the middle of 50 jobs" systemctl restart contingious
    must "no job is lost and none has two different answers: restart" jobs check restart 50 300

    # Long enough that some run while the next program looks at the configuration and starts.
    jobs post reload 10 12
    jobs wait reload 2 200
    check_soon 60 "root's exec gets into each job that runs, also in a sandbox that was made ahead" exec_into_each
    before=$(agent_pid)
    check "systemctl reload, in the middle of jobs" systemctl reload contingious
    check_soon 200 "the next agent adopts what the runner runs" says adopts journalctl -q -o cat -u contingious
    jobs wait reload 5 400
    check "the service's main process is the one before" test "$(agent_pid)" = "$before"
    kill -KILL "$(agent_pid)"
    check "no job is lost and none has two different answers: reload, then kill -9" jobs check reload 10 400
    check_soon 240 "it came back by itself" is_active

    jobs post drain 4 5
    jobs wait drain 1 200
    answered=$(jobs count drain)
    check "systemctl stop drains" systemctl stop contingious
    check "what ran when it was stopped was finished" test "$(jobs count drain)" -gt "$answered"
    check_soon 30 "nothing runs any more" has_no_children
    check "the journal has no stack trace" reads_well
    # What it has left is for the agent that comes next.
    touch "$DRAINED"
    give_evidence
}
