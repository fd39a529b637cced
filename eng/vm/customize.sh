#!/bin/bash
# Turns a freshly installed Debian root into the test machine. mmdebstrap calls it.
# usage: customize.sh ROOT PUBLIC-KEY
set -euo pipefail
ROOT=$1 PUBLIC_KEY=$2
# What .NET would spend most of an emulated processor's time on: code that is mapped twice, writable and executable, and made anew once it is known to be used.
DOTNET_SETTINGS=(DOTNET_EnableWriteXorExecute=0 DOTNET_TieredPGO=0 DOTNET_TC_CallCounting=0)

inside() { chroot "$ROOT" "$@"; }
put() { install -D -m "${2:-644}" /dev/stdin "$ROOT/$1"; }

put etc/hostname <<<vm
put etc/hosts <<'END'
127.0.0.1 localhost
127.0.1.1 vm
END
put etc/fstab <<<'/dev/vda / ext4 defaults,noatime 0 0'
put etc/systemd/network/10-user.network <<'END'
[Match]
Type=ether
[Network]
Address=10.0.2.15/24
LinkLocalAddressing=no
IPv6AcceptRA=no
END
inside systemctl -q enable systemd-networkd ssh
# Nobody waits for a network that has no other end.
inside systemctl -q mask systemd-networkd-wait-online.service
inside systemctl -q disable rabbitmq-server epmd.service epmd.socket 2>/dev/null || true
inside systemctl -q mask apt-daily.timer apt-daily-upgrade.timer man-db.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
    getty@tty1.service serial-getty@ttyS0.service systemd-timesyncd.service networkd-dispatcher.service apparmor.service
# Erlang's schedulers spin while they have nothing to do, which here is others' time.
put etc/rabbitmq/rabbitmq-env.conf <<'END'
SERVER_ADDITIONAL_ERL_ARGS="+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
END

# Its disk loses nothing that was written, whenever the machine is reset (cache=unsafe).
put etc/dpkg/dpkg.cfg.d/vm <<<force-unsafe-io

# The journal has to outlive a reboot: a scenario reads what was said before it.
mkdir -p "$ROOT/var/log/journal"
put etc/systemd/journald.conf.d/vm.conf <<'END'
[Journal]
Storage=persistent
RateLimitIntervalSec=0
END
# An emulated processor is slow: a unit gets ten times as long to start and to stop.
put etc/systemd/system.conf.d/vm.conf <<END
[Manager]
DefaultTimeoutStartSec=600s
DefaultTimeoutStopSec=300s
RuntimeWatchdogSec=off
DefaultEnvironment=${DOTNET_SETTINGS[*]}
END
put etc/systemd/user.conf.d/vm.conf <<END
[Manager]
DefaultTimeoutStartSec=600s
DefaultTimeoutStopSec=300s
DefaultEnvironment=${DOTNET_SETTINGS[*]}
END
printf '%s\n' "${DOTNET_SETTINGS[@]}" >>"$ROOT/etc/environment"
put etc/ssh/sshd_config.d/vm.conf <<'END'
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
PermitRootLogin prohibit-password
UseDNS no
MaxSessions 64
LoginGraceTime 300
END
rm -f "$ROOT"/etc/ssh/ssh_host_*
ssh-keygen -q -t ed25519 -N '' -f "$ROOT/etc/ssh/ssh_host_ed25519_key"

inside useradd --create-home --uid 1000 --shell /bin/bash ada
put var/lib/systemd/linger/ada </dev/null
install -D -m 600 "$PUBLIC_KEY" "$ROOT/root/.ssh/authorized_keys"
install -D -m 600 "$PUBLIC_KEY" "$ROOT/home/ada/.ssh/authorized_keys"
inside chown -R ada:ada /home/ada/.ssh
inside chmod 700 /root/.ssh /home/ada/.ssh
# A fixed identity spares the first boot its questions.
rm -f "$ROOT/var/lib/dbus/machine-id"
inside systemd-machine-id-setup -q 2>/dev/null || inside systemd-machine-id-setup
rm -rf "$ROOT"/var/cache/apt/archives/*.deb "$ROOT"/var/lib/apt/lists/*
