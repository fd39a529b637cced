# shellcheck shell=bash
# What the scenarios share. Sourced by run.sh in the test machine, as root.
#
# A scenario is a file of functions named phase_NAME; phase_start comes first. It is told to the host on lines that begin with @@:
#   check WHAT CMD…           one thing that must hold; what CMD said is shown where it does not
#   must WHAT CMD…            the same, and what comes after makes no sense without it
#   check_soon SECONDS WHAT CMD…   it has that long to come true
#   check_not WHAT CMD…       CMD must fail
#   run_tests WHAT CMD…       a test program, whose tests are counted one by one
#   reboot_into PHASE, reset_into PHASE   the machine is restarted, in order or as by a power cut, and PHASE of the scenario is next
#   freeze SECONDS            the machine stands still for so long
# An emulated processor is 10 to 30 times slower than a real one: nothing here asserts speed, and whatever waits waits long.

PAYLOAD=/payload
# shellcheck disable=SC2034  # for the scenarios
TESTS=$PAYLOAD/artifacts/bin/Contingious.Tests/release_linux-x64/Contingious.Tests
ADA=1000
# Set where there is time for everything.
SOAK=${SOAK:-}
# There while jobs of "drain" wait, which a service that was stopped has left.
# shellcheck disable=SC2034
DRAINED=/var/tmp/drained
# What spares .NET work on an emulated processor, as a login has it (customize.sh).
mapfile -t DOTNET_SETTINGS < <(grep '^DOTNET_' /etc/environment)
export "${DOTNET_SETTINGS[@]}"
export LANG=C.UTF-8 TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# The journal of the run, in the order of the lines of this program.
tell() { printf '@@ %s\n' "$*"; }
note() { tell note "$*"; }

attempt() { "$@" >/run/vm-check.log 2>&1 </dev/null; }
refute() { ! "$@"; }
show_attempt() { tail -n 20 /run/vm-check.log; }

check() {
    local what=$1 code=0
    shift
    attempt "$@" || code=$?
    if ((code == 0)); then
        tell passed "$what"
    else
        show_attempt
        tell failed "$what (code $code)"
        ANY_FAILED=yes
    fi
}
check_not() {
    local what=$1
    shift
    check "$what" refute "$@"
}
must() {
    ANY_FAILED=
    check "$@"
    [[ ! $ANY_FAILED ]] || {
        give_evidence
        exit 0
    }
}
check_soon() {
    local deadline=$((SECONDS + $1))
    shift
    until attempt "${@:2}"; do
        ((SECONDS < deadline)) || break
        sleep 1
    done
    check "$@"
}

# For the log, where something failed.
give_evidence() {
    systemctl --no-pager -l status contingious || true
    journalctl --no-pager -o cat -n 60 -u contingious || true
}

says() { # says TEXT CMD…: what it prints holds TEXT.
    local text=$1
    shift
    "$@" >/run/vm-says.log 2>&1 || { cat /run/vm-says.log && return 1; }
    grep -qF -- "$text" /run/vm-says.log || { cat /run/vm-says.log && return 1; }
}

as_ada() { runuser -u ada -- env -i "${DOTNET_SETTINGS[@]}" HOME=/home/ada USER=ada LANG="$LANG" PATH="$PATH" XDG_RUNTIME_DIR=/run/user/$ADA "$@"; }

restart_into() {
    sync
    tell "$1" "$2"
    sleep infinity
}
reboot_into() { restart_into reboot "$1"; }
reset_into() { restart_into reset "$1"; }
freeze() { tell freeze "$1"; }

# run_tests WHAT CMD…: the number after NAME: in the summary that Microsoft.Testing.Platform prints.
run_tests() {
    local what=$1 log=/run/vm-tests.log code=0
    shift
    "$@" --no-ansi --no-progress >"$log" 2>&1 </dev/null || code=$?
    grep -vE '^ *(at |---)' "$log" | tail -n 80
    if [[ ! $(summary total) -gt 0 ]]; then
        tell failed "$what: the test program ended with code $code and ran no test"
        return
    fi
    tell tests "$(summary succeeded)" "$(summary failed)" "$(summary skipped)" "$what"
    ((code == 0 || $(summary failed) > 0)) || tell failed "$what: the test program ended with code $code though no test failed"
}
summary() { sed -n "s/^ *$1: \([0-9][0-9]*\)$/\1/p" /run/vm-tests.log | tail -n 1; }

jobs() { /usr/bin/python3 "$PAYLOAD/eng/vm/jobs.py" "$@"; }
broker_answers() { timeout 60 /usr/bin/python3 -c 'import pika; pika.BlockingConnection(pika.URLParameters("amqp://guest:guest@127.0.0.1/")).close()'; }
await_broker() { must_soon 300 "the broker answers" broker_answers; }
must_soon() {
    ANY_FAILED=
    check_soon "$@"
    [[ ! $ANY_FAILED ]] || {
        give_evidence
        exit 0
    }
}
