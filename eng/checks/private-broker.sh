#!/bin/bash
# The private broker is gone after the script that started it, however that script ends.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

cat >"$directory/script" <<'EOF'
set -euo pipefail
. eng/lib.sh
make_work_directory check
start_broker
await_broker
echo "$BROKER_PID $EPMD_PID $WORK" >"$1/started"
case $2 in
    fails) false ;;
    *) while :; do sleep 0.1; done ;;
esac
EOF

# ends_by HOW EXPECTED: HOW is fails, or the signal to send.
ends_by() {
    rm -f "$directory/started"
    # A background process of a script ignores SIGINT unless it is told otherwise.
    env --default-signal=INT setsid bash "$directory/script" "$directory" "$1" &
    local script=$! code=0 broker epmd work
    for _ in {1..600}; do
        [[ ! -s $directory/started ]] || break
        sleep 0.1
    done
    read -r broker epmd work <"$directory/started"
    [[ $1 == fails ]] || kill -"$1" "$script"
    wait "$script" || code=$?
    ((code == $2)) || { echo "$1: exit code $code, expected $2" && exit 1; }
    for process in "$broker" "$epmd"; do
        ! kill -0 "$process" 2>/dev/null || { echo "$1: still runs: $(ps -o pid=,args= -p "$process")" && exit 1; }
    done
    [[ ! -e $work ]] || { echo "$1: $work is still there" && exit 1; }
}

ends_by fails 1
ends_by INT 130
ends_by TERM 143
