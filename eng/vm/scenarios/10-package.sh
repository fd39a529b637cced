# shellcheck shell=bash
# The package is installed, and what it promises is there.

has_cgroup_v2_alone() { [[ $(stat -fc %T /sys/fs/cgroup) == cgroup2fs ]]; }
nothing_failed() { [[ -z $(systemctl --failed --no-legend) ]] || { systemctl --failed && return 1; }; }
doctor() { contingious doctor >/run/doctor || { cat /run/doctor && return 1; }; }
completes() { bash -ic '. /usr/share/bash-completion/bash_completion; _completion_loader contingious; complete -p contingious'; }

# An emulated processor is slow: what systemd allows for a start, and for a sign of life, is ten times as long.
give_time() {
    install -d /etc/systemd/system/contingious.service.d /etc/systemd/user/contingious.service.d
    printf '[Service]\nTimeoutStartSec=20min\nWatchdogSec=10min\n' | tee /etc/systemd/system/contingious.service.d/slow.conf >/etc/systemd/user/contingious.service.d/slow.conf
    systemctl daemon-reload
}

phase_start() {
    # It takes its time, and others need it.
    systemctl enable --now --no-block rabbitmq-server
    must "systemd is process 1" test "$(ps -o comm= 1)" = systemd
    must "cgroup v2 alone" has_cgroup_v2_alone

    must "apt-get installs it" apt-get install -y -o APT::Sandbox::User=root "$PAYLOAD/contingious.deb"
    check "its version is the package's" says "$(dpkg-deb -f "$PAYLOAD/contingious.deb" Version)" contingious --version
    check "man contingious" man -w contingious
    check "bash completes it" completes
    check "dpkg finds its files as they were" dpkg --verify contingious

    check "nothing failed" nothing_failed
    check "the service account is there" id contingious
    check "systemd knows the service" systemctl cat contingious
    # A command takes seconds here: each is run once.
    must "contingious doctor has nothing fatal" doctor
    check "doctor says which cgroups and why" grep -i cgroup /run/doctor
    note "$(grep -i cgroup /run/doctor | head -n 1)"
    give_time
    must "an image is imported" contingious import alpine-hello-world
    check "a container by hand says hello" says "Hello World" contingious run alpine-hello-world
}
