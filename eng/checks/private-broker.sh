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
[[ $3 == starting ]] || await_broker
echo "$BROKER_PID $EPMD_PID $EPMD_PORT $WORK" >"$1/started"
case $2 in
    fails) false ;;
    *) while :; do sleep 0.1; done ;;
esac
EOF

# ends_by HOW EXPECTED WHEN: HOW is fails, or the signal to send; WHEN is starting or up.
ends_by() {
    rm -f "$directory/started"
    # A background process of a script ignores SIGINT unless it is told otherwise.
    env --default-signal=INT setsid bash "$directory/script" "$directory" "$1" "$3" &
    local script=$! code=0 broker epmd port work
    for _ in {1..600}; do
        [[ ! -s $directory/started ]] || break
        sleep 0.1
    done
    read -r broker epmd port work <"$directory/started"
    [[ $3 == up ]] || sleep 0.7
    [[ $1 == fails ]] || kill -"$1" "$script"
    wait "$script" || code=$?
    ((code == $2)) || { echo "$1: exit code $code, expected $2" && exit 1; }
    for process in "$broker" "$epmd"; do
        ! kill -0 "$process" 2>/dev/null || { echo "$1: still runs: $(ps -o pid=,args= -p "$process")" && exit 1; }
    done
    sleep 0.5
    ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$1: an epmd still listens on port $port" && exit 1; }
    [[ ! -e $work ]] || { echo "$1: $work is still there" && exit 1; }
}

ends_by fails 1 up
ends_by INT 130 up
ends_by TERM 143 starting
