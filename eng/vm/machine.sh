# shellcheck shell=bash
# A virtual machine of its own in a directory of its own. Sourced, never run; it uses lib.sh.
#
#   machine_boot DIR IMAGE [PAYLOAD]   starts it over a fresh overlay of IMAGE (see image.sh), or over the one that DIR has; returns at once.
#                              PAYLOAD is the file of a second disk, which it can only read
#   machine_await DIR SECONDS  until it takes commands
#   machine_ssh DIR CMD…       as root; machine_ssh_as ada DIR CMD…      (DIR/ssh, DIR/scp do the same by hand)
#   machine_monitor DIR WORD   a command to qemu: system_reset, stop, cont, quit
#   machine_end DIR            the process is gone afterwards, whatever it did; the files stay
#
# DIR gets: overlay.qcow2, console.log, qemu.pid, port, ssh_config, ssh, scp, monitor (a socket). It must be a short path: sockets.
# Nothing of the machine reaches a network: qemu forwards one port of the loopback to its sshd, and lets nothing out.

machine_boot() {
    local dir=$1 image=$2 payload=()
    [[ -z ${3:-} ]] || payload=(-drive "file=$3,if=virtio,format=raw,readonly=on")
    [[ -e $dir/overlay.qcow2 ]] || qemu-img create -q -f qcow2 -b "$image/disk.img" -F raw "$dir/overlay.qcow2"
    [[ -e $dir/port ]] || /usr/bin/python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])' >"$dir/port"
    machine_write_ssh "$dir" "$image"
    # mitigations=off: the processor is emulated, and has nothing to be protected from. tb-size: .NET makes much code.
    # cache=unsafe: a machine that is reset has lost nothing that it wrote, for this process lives on.
    # pdeathsig: a script that is killed takes its machine with it. The dev VM of MACHINE_STAYS=yes outlives its script.
    local together=(setpriv --pdeathsig KILL)
    [[ ! ${MACHINE_STAYS:-} ]] || together=(setsid)
    nice -n "${MACHINE_NICE:-5}" "${together[@]}" qemu-system-x86_64 -name "contingious-${dir##*/}" -machine q35 -accel tcg,thread=multi,tb-size=1024 -cpu "${MACHINE_CPU:-max}" \
        -smp "${MACHINE_SMP:-2}" -m "${MACHINE_MEMORY:-2560}" -display none -no-user-config -nodefaults \
        -kernel "$image/vmlinuz" -initrd "$image/initrd.img" \
        -append "root=/dev/vda rw console=ttyS0 quiet mitigations=off net.ifnames=0 random.trust_cpu=on systemd.show_status=yes nowatchdog ${MACHINE_KERNEL:-}" \
        -drive "file=$dir/overlay.qcow2,if=virtio,format=qcow2,cache=unsafe,discard=unmap" -device virtio-rng-pci \
        "${payload[@]}" \
        -netdev "user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:$(<"$dir/port")-:22" -device virtio-net-pci,netdev=n,romfile= \
        -serial "file:$dir/console.log" -monitor "unix:$dir/monitor,server=on,wait=off" -pidfile "$dir/qemu.pid" \
        </dev/null >"$dir/qemu.log" 2>&1 &
    MACHINE_PID=$!
}

# One connection is kept for all commands: a key exchange takes seconds in there.
machine_write_ssh() {
    local dir=$1 image=$2 program
    cat >"$dir/ssh_config" <<END
Host vm
  HostName 127.0.0.1
  Port $(<"$dir/port")
  User root
  IdentityFile $image/key
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
  ControlMaster auto
  ControlPath $dir/.%r
  ControlPersist 300
  ConnectTimeout 60
  ServerAliveInterval 30
  ServerAliveCountMax 10
END
    for program in ssh scp; do
        printf '#!/bin/sh\nexec %s -F %s/ssh_config "$@"\n' "$program" "$dir" >"$dir/$program"
        chmod +x "$dir/$program"
    done
}

machine_ssh() { machine_ssh_as root "$@"; }

# The words reach the other side as they are, which ssh does not see to.
machine_ssh_as() {
    local user=$1 dir=$2
    shift 2
    "$dir/ssh" "$user@vm" "$(printf '%q ' "$@")"
}

machine_forget_ssh() {
    local socket
    for socket in "$1"/.root "$1"/.ada; do
        [[ ! -S $socket ]] || "$1/ssh" -o ControlPath="$socket" -O exit vm 2>/dev/null || rm -f "$socket"
    done
}

machine_takes_commands() { timeout 90 "$1/ssh" vm true </dev/null 2>/dev/null; }

machine_await() {
    local dir=$1 deadline=$((SECONDS + $2))
    machine_forget_ssh "$dir"
    until machine_takes_commands "$dir"; do
        machine_runs "$dir" || return 1
        ((SECONDS < deadline)) || return 1
        sleep 1
    done
}

machine_boot_id() { timeout 90 "$1/ssh" vm cat /proc/sys/kernel/random/boot_id </dev/null 2>/dev/null; }

# machine_await_next DIR SECONDS BOOT-ID: until it takes commands and is no longer the one that it was.
machine_await_next() {
    local dir=$1 deadline=$((SECONDS + $2)) id
    while ((SECONDS < deadline)); do
        machine_runs "$dir" || return 1
        machine_forget_ssh "$dir"
        id=$(machine_boot_id "$dir") || id=
        [[ -z $id || $id == "$3" ]] || return 0
        sleep 1
    done
    return 1
}

machine_runs() {
    local pid
    pid=$(cat "$1/qemu.pid" 2>/dev/null) || pid=${MACHINE_PID:-}
    [[ $pid ]] && kill -0 "$pid" 2>/dev/null
}

machine_monitor() {
    /usr/bin/python3 - "$1/monitor" "$2" <<'END'
import socket, sys
with socket.socket(socket.AF_UNIX) as monitor:
    monitor.settimeout(30)
    monitor.connect(sys.argv[1])
    def answer():
        said = b""
        while not said.endswith(b"(qemu) "):
            more = monitor.recv(4096)
            if not more: return
            said += more
    answer()
    monitor.sendall(sys.argv[2].encode() + b"\n")
    answer()
END
}

machine_end() {
    local dir=$1 pid
    machine_forget_ssh "$dir"
    [[ -e $dir/qemu.pid ]] || return 0
    pid=$(<"$dir/qemu.pid")
    kill -TERM "$pid" 2>/dev/null || true
    await 10 is_gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    rm -f "$dir/qemu.pid"
}
