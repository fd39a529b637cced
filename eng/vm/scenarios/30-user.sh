# shellcheck shell=bash
# An ordinary user with systemd --user and lingering: by hand with no service at all, in a session of ssh, and with a service of their own.

ada_systemctl() { as_ada systemctl --user "$@"; }
ada_is_active() { ada_systemctl is-active --quiet "$ADA_UNIT"; }
# As a login brings it: a session of its own, below session-N.scope and not below user@1000.service.
ada_by_ssh() {
    [[ -e /root/ada-key ]] || {
        ssh-keygen -q -t ed25519 -N '' -f /root/ada-key
        cat /root/ada-key.pub >>/home/ada/.ssh/authorized_keys
    }
    ssh -i /root/ada-key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR ada@127.0.0.1 "$(printf '%q ' "$@")"
}
explains_setup() { ! as_ada contingious run alpine-hello-world >/run/said 2>&1 && grep -F 'contingious setup --account ada' /run/said; }
first_sandbox() { as_ada contingious ps --json | /usr/bin/python3 -c 'import json, sys; print(next((one["name"] for one in json.load(sys.stdin)), ""))'; }
# The shell in the container counts, not this one.
# shellcheck disable=SC2016
exec_works() {
    local sandbox='' _
    as_ada contingious run --wall-time 240s alpine-hello-world -- sleep 230 &
    SLEEPER=$!
    for _ in {1..20}; do
        sandbox=$(first_sandbox)
        [[ -z $sandbox ]] || break
        sleep 1
    done
    as_ada contingious exec "$sandbox" -- sh -c 'echo from $((6 * 7))' >/run/said || return
    grep 'from 42' /run/said
}

phase_start() {
    ADA_UNIT=contingious
    [[ -e /usr/lib/systemd/user/contingious.service ]] || ADA_UNIT=contingious-ada
    check "without setup, run names the command that mends it" explains_setup
    must "root sets ada up" contingious setup --account ada
    must "ada's doctor has nothing fatal" as_ada contingious doctor
    must "ada imports an image" as_ada contingious import alpine-hello-world
    check "run, with no service at all" says "Hello World" as_ada contingious run alpine-hello-world
    check "run, in a session of ssh" says "Hello World" ada_by_ssh contingious run alpine-hello-world
    if [[ $SOAK ]]; then
        check "run, where D-Bus is not to be had" says "Hello World" as_ada DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere contingious run alpine-hello-world
    fi
    check "exec gets into a container that runs" exec_works
    kill "$SLEEPER" 2>/dev/null || true
    wait "$SLEEPER" 2>/dev/null || true

    # One broker serves both: the agent of the host stops, so that ada's is who answers.
    systemctl stop contingious
    ada_systemctl daemon-reload
    await_broker
    jobs post ada 12 0.5
    must "ada starts a service of her own" ada_systemctl start "$ADA_UNIT"
    if [[ $SOAK ]]; then
        jobs wait ada 4 200
        check "ada's service restarts in the middle of jobs" ada_systemctl restart "$ADA_UNIT"
    fi
    check "no job of hers is lost" jobs check ada 12 300
    if [[ -e $DRAINED ]]; then
        check "what waited while no agent was there is done" jobs check drain 4 200
        rm "$DRAINED"
    fi
    check "it is still there" ada_is_active
    check "ada's service stops" ada_systemctl stop "$ADA_UNIT"
}
