#!/bin/bash
# Tries the product on the host that users have: a Debian with systemd and cgroup v2, in a virtual machine that is emulated, needs no network, and is gone afterwards.
# The last line counts: N passed, N failed, N skipped
# usage: eng/vm-test.sh [--suite SUITE] [--only NAME]… [--soak] [--keep]
#   --suite SUITE   the Debian release, bookworm unless given
#   --only NAME     these scenarios of eng/vm/scenarios alone
#   --soak          those too that say "Only with --soak"; CONTINGIOUS_SOAK=1 is the same
#   --keep          leaves the machine running and says how to look into it
# What it did is left as text in artifacts/vm/SUITE. Ends by itself, whatever hangs: VM_MINUTES says when, 60 unless set: it gives way to whatever else runs.
set -euo pipefail
# shellcheck source=eng/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"
# shellcheck source=eng/vm/machine.sh
. "$CHECKOUT/eng/vm/machine.sh"
# shellcheck source=eng/vm/payload.sh
. "$CHECKOUT/eng/vm/payload.sh"
# shellcheck source=eng/vm/report.sh
. "$CHECKOUT/eng/vm/report.sh"

SUITE=bookworm ONLY=() SOAK=${CONTINGIOUS_SOAK:-} KEEP=
while (($#)); do
    case $1 in
        --suite) SUITE=${2:?} && shift 2 ;;
        --only) ONLY+=("${2:?}") && shift 2 ;;
        --soak) SOAK=1 && shift ;;
        --keep) KEEP=yes && shift ;;
        *) die "no such option: $1. There are --suite, --only, --soak and --keep" ;;
    esac
done
# Where memory is taken with cmpxchg16b (Linux 6.12 does), what qemu 7.2 makes of that instruction's flags ends in a panic.
[[ $SUITE == bookworm ]] || export MACHINE_KERNEL="clearcpuid=cx16 ${MACHINE_KERNEL:-}"
DEADLINE=$((SECONDS + ${VM_MINUTES:-60} * 60))
at_exit print_totals

# What this machine lacks skips the run, and fails it where CI is set.
lacks() {
    if [[ ${CI:-} ]]; then count failed "the virtual machine: $1"; else count skipped "the virtual machine: $1"; fi
    ENDED=yes
    exit "$FAILED"
}

# Sooner than the deadline of a single scenario, if that of the whole run is near.
patience() { echo $((DEADLINE - SECONDS < $1 ? (DEADLINE - SECONDS > 1 ? DEADLINE - SECONDS : 1) : $1)); }

start_machine() {
    MACHINE=$WORK/m
    mkdir "$MACHINE"
    [[ ! $KEEP ]] || export MACHINE_STAYS=yes
    at_exit machine_end "$MACHINE"
    machine_boot "$MACHINE" "$IMAGE" "$WORK/payload.img"
    if ! machine_await "$MACHINE" "$(patience 300)"; then
        tail -n 40 "$MACHINE/console.log" "$MACHINE/qemu.log" >&2
        die "the machine did not come up; above is the end of what its console said"
    fi
    machine_ssh "$MACHINE" sh -c 'mkdir -p /payload && mount -o ro /dev/vdb /payload'
}

# restart_machine reboot|reset
restart_machine() {
    local before
    before=$(machine_boot_id "$MACHINE") || return 1
    if [[ $1 == reboot ]]; then
        machine_ssh "$MACHINE" systemctl reboot || true
    else
        machine_monitor "$MACHINE" system_reset
    fi
    machine_await_next "$MACHINE" "$(patience 300)" "$before" && machine_ssh "$MACHINE" mount -o ro /dev/vdb /payload
}

# The processors stand still, and the clocks of the machine with them.
freeze_machine() {
    machine_monitor "$MACHINE" stop
    sleep "$1"
    machine_monitor "$MACHINE" cont
}

# run_scenario FILE: what it says on lines that begin with @@ is for us (see eng/vm/inside.sh), the rest is for the log.
run_scenario() {
    local name log phase=start begun=$SECONDS line out pid code restart limit
    name=$(basename "$1" .sh)
    log=$RESULTS/$name.log
    say "$name"
    SCENARIO=$name
    while [[ $phase ]]; do
        restart='' code=0
        limit=$(patience 1200)
        # Timed on both sides: there, so that nothing of it goes on; here, where even that does not answer.
        exec {out}< <(exec timeout $((limit + 60)) "$MACHINE/ssh" vm "timeout -k 10 $limit env SOAK=$SOAK bash /payload/eng/vm/run.sh $name $phase" 2>&1 </dev/null)
        pid=$!
        while IFS= read -r line <&"$out"; do
            printf '%4d  %s\n' $((SECONDS - begun)) "$line" >>"$log"
            case $line in
                '@@ passed '* | '@@ failed '* | '@@ skipped '*) read -r _ word text <<<"$line" && count "$word" "$text" ;;
                '@@ tests '*) read -r _ _ passed failed skipped text <<<"$line" && count_tests "$passed" "$failed" "$skipped" "$text" ;;
                '@@ note '*) note "${line#@@ note }" ;;
                '@@ freeze '*) freeze_machine "${line#@@ freeze }" ;;
                '@@ reboot '* | '@@ reset '*) read -r _ restart phase <<<"$line" && break ;;
            esac
        done
        [[ ! $restart ]] || kill "$pid" 2>/dev/null || true
        wait "$pid" || code=$?
        exec {out}<&-
        if [[ $restart ]]; then
            restart_machine "$restart" || { count failed "the machine did not come back from a $restart" && return 1; }
            continue
        fi
        phase=
        case $code in
            0) ;;
            124) count failed "it did not end in time" ;;
            *) count failed "it ended with code $code" ;;
        esac
    done
    note "($((SECONDS - begun)) s)"
}

is_chosen() {
    local one name
    name=$(basename "$1" .sh)
    for one in "${ONLY[@]}"; do [[ $name != *"$one"* ]] || return 0; done
    ((${#ONLY[@]} == 0)) || return 1
    [[ $SOAK ]] || ! grep -q '^# Only with --soak' "$1" || { note "left out: $name, which is only with --soak" && return 1; }
}

is_root || lacks "only root can build its disk"
for program in qemu-system-x86_64 qemu-img mmdebstrap mke2fs ssh; do
    command -v "$program" >/dev/null || lacks "$program is not installed"
done

say "the machine: $SUITE"
make_work_directory vm
RESULTS=$CHECKOUT/artifacts/vm/$SUITE
rm -rf "$RESULTS"
mkdir -p "$RESULTS"
# The first time, the image takes as long as the build. timeout also has it end with all that it started.
timeout -k 10 "$(patience 1800)" "$CHECKOUT/eng/vm/image.sh" "$SUITE" >"$WORK/image" &
image=$!
at_exit stop_process "$image" 5 "image.sh"
build_payload "$WORK"
wait "$image" || die "there is no image to boot"
IMAGE=$(<"$WORK/image")
start_machine
note "up after $SECONDS s: $(machine_ssh "$MACHINE" sh /payload/eng/vm/versions.sh)"

for scenario in "$CHECKOUT"/eng/vm/scenarios/*.sh; do
    is_chosen "$scenario" || continue
    if ((SECONDS >= DEADLINE)); then
        SCENARIO=$(basename "$scenario" .sh) && count failed "not begun: the run took too long"
        continue
    fi
    run_scenario "$scenario" || break
done
collect_results

if [[ $KEEP ]]; then
    EXIT_COMMANDS=("${EXIT_COMMANDS[0]}")
    note "the machine runs on: $MACHINE/ssh vm. Its process is $(<"$MACHINE/qemu.pid"), its files are in $WORK"
fi
ENDED=yes
((PASSED > 0 && FAILED == 0))
