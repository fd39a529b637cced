# shellcheck shell=bash
# A clock that jumps, and a machine that stood still, are in no measured time.
# Only with --soak: it takes minutes.

# submit prints the measured times of a job; --json has them as numbers.
field() { /usr/bin/python3 -c 'import json, sys; result = json.load(open("/run/result.json")); print(int(result["steps"][0][sys.argv[1]]))' "$1"; }
submit_sleep() { contingious submit --json --image alpine-hello-world --wall-time 200s --cpu-time 100s -- sh -c "sleep $1" >/run/result.json; }
is_between() { (($1 >= $2 && $1 <= $3)) || { echo "$1 is not between $2 and $3" && return 1; }; }

phase_start() {
    await_broker
    systemctl is-active --quiet contingious || must "the service starts" systemctl start contingious

    submit_sleep 20 &
    local submitted=$!
    for _ in {1..60}; do pgrep -f '^sleep 20' >/dev/null && break; sleep 1; done
    date -s "$(date -d '+1 hour' '+%F %T')" >/dev/null
    sleep 3
    date -s "$(date -d '-2 hours' '+%F %T')" >/dev/null
    sleep 3
    date -s "$(date -d '+1 hour' '+%F %T')" >/dev/null
    check "a job ends though the clock jumped" wait "$submitted"
    check "an hour forth and two back are in no wall time" is_between "$(field wall_time_us)" 20000000 90000000
    check "nor in the CPU time" is_between "$(field cpu_time_us)" 0 30000000

    submit_sleep 10 &
    submitted=$!
    for _ in {1..60}; do pgrep -f '^sleep 10' >/dev/null && break; sleep 1; done
    freeze 15
    check "a job ends though the machine stood still" wait "$submitted"
    check "its wall time is the machine's" is_between "$(field wall_time_us)" 10000000 60000000
    check "the service is active after both" systemctl is-active contingious
}
