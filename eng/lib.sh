# shellcheck shell=bash
# What the scripts of this folder share. Sourced, never run.
#
# A script that sources this gets, in the order in which it would call them:
#   install_packages      the programs of the README's table, by apt-get, where they are missing   (lib/packages.sh)
#   use_dotnet            finds the .NET SDK                                                       (lib/build.sh)
#   build_command         artifacts/contingious/contingious, unless it is up to date
#   build_tests           the test program, unless it is up to date
#   choose_tree           sets TREE and CONTINGIOUS: the checkout, or a copy that the account can read (lib/account.sh)
#   set_up_account        contingious setup
#   start_broker          sets CONTINGIOUS_BROKER: the one configured, or a private one            (lib/broker.sh)
#   await_broker          returns when it takes connections
#   at_exit CMD…          runs CMD when the script ends, however it ends, newest first

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
TREE=$CHECKOUT
EXIT_COMMANDS=()

say() { printf '\n\e[1m==> %s\e[0m\n' "$*"; }
note() { printf '    %s\n' "$*"; }
complain() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
    complain "$@"
    exit 1
}
[[ -t 1 && -z ${NO_COLOR:-} ]] || say() { printf '\n==> %s\n' "$*"; }

# --help shows a script's head, in which its usage is; eng/contingious hands it on.
usage() { sed -n '2,/^[^#]/{/^# shellcheck /d;/^#/s/^#\( \|$\)//p}' "$0"; }
if [[ (${1:-} == --help || ${1:-} == -h) && ${0##*/} != contingious ]]; then
    usage
    exit
fi

is_root() { ((EUID == 0)); }

# Runs a command as root: by sudo where we are somebody else.
as_root() {
    if is_root; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        die "this needs root, and there is no sudo here. Have root run: $(printf '%q ' "$@")"
    fi
}

# The commands are words, not a string to evaluate; kept NUL-free in one array element each by printf %q.
at_exit() { EXIT_COMMANDS+=("$(printf '%q ' "$@")"); }

run_exit_commands() {
    local code=$? last
    trap - EXIT
    trap '' INT TERM HUP
    while ((${#EXIT_COMMANDS[@]})); do
        last=$((${#EXIT_COMMANDS[@]} - 1))
        eval "${EXIT_COMMANDS[last]}" || complain "clean-up failed: ${EXIT_COMMANDS[last]}"
        unset "EXIT_COMMANDS[last]"
    done
    exit "$code"
}
trap run_exit_commands EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# A directory for the logs and the broker of this one run; removed at exit. Not in TMPDIR, which can be closed to other accounts.
make_work_directory() {
    WORK=$(mktemp -d "/tmp/contingious-${1:-work}.XXXXXX")
    at_exit rm -rf "$WORK"
}

# await SECONDS CMD…: repeats CMD ten times a second until it succeeds.
await() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

is_gone() { ! kill -0 "$1" 2>/dev/null; }

# stop_process PID SECONDS NAME: asks a child of this shell to end, insists after SECONDS, and reaps it. One that was reaped has a number that can be another's by now.
stop_process() {
    [[ $(ps -o ppid= -p "$1") -eq $BASHPID ]] || return 0
    kill -TERM "$1" 2>/dev/null || true
    if ! await "$2" is_gone "$1"; then
        complain "$3 (process $1) did not end within $2 s of SIGTERM and is killed"
        kill -KILL "$1" 2>/dev/null || true
    fi
    wait "$1" 2>/dev/null || true
}

# shellcheck source=eng/lib/packages.sh
. "$CHECKOUT/eng/lib/packages.sh"
# shellcheck source=eng/lib/build.sh
. "$CHECKOUT/eng/lib/build.sh"
# shellcheck source=eng/lib/account.sh
. "$CHECKOUT/eng/lib/account.sh"
# shellcheck source=eng/lib/broker.sh
. "$CHECKOUT/eng/lib/broker.sh"
