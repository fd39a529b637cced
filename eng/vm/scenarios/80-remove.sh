# shellcheck shell=bash
# The package is upgraded over an agent with jobs, removed, and purged.

main_pid() { systemctl show -P MainPID contingious; }
# What an administrator would find; the journal and apt's own records are theirs.
nothing_is_left() {
    ! find / /run -xdev \( -path /proc -o -path /sys -o -path /payload -o -path /var/log -o -path /run/udev -o -path '/var/lib/dpkg' -o -path /var/lib/rabbitmq -o -path /var/cache -o -path '*/Microsoft/TestingPlatform' -o -path /root -o -path /srv -o -path /tmp -o -path /var/tmp \) -prune \
        -o -iname '*contingious*' -print | grep . && ! grep -H contingious /etc/passwd /etc/group /etc/subuid /etc/subgid
}
runs_installed_program() { [[ $(readlink "/proc/$(main_pid)/exe") == /usr/lib/contingious/contingious ]]; }
installed_version() { dpkg-query -W -f '${Version}' contingious; }
next_version() { dpkg-deb -f "$PAYLOAD/contingious-next.deb" Version; }

phase_start() {
    await_broker
    systemctl is-active --quiet contingious || must "the service starts" systemctl start contingious
    local before
    before=$(main_pid)
    jobs post upgrade 10 1
    must "jobs are being done" jobs wait upgrade 3 200
    must "the package is upgraded over it" apt-get install -y -o APT::Sandbox::User=root "$PAYLOAD/contingious-next.deb"
    check "the new version is installed" test "$(installed_version)" = "$(next_version)"
    check "the agent's process is the one before" test "$(main_pid)" = "$before"
    # The file that it was started from is replaced, and would be called "(deleted)".
    check_soon 120 "and became the new program" runs_installed_program
    check "no job is lost by the upgrade" jobs check upgrade 10 400

    if [[ $SOAK ]]; then
        # As dpkg does it.
        check "a removal is begun" /var/lib/dpkg/info/contingious.prerm remove
        check_not "and has stopped the agent" systemctl is-active --quiet contingious
        check "it is given up" /var/lib/dpkg/info/contingious.postinst abort-remove
        check_soon 240 "and the agent goes on" systemctl is-active contingious
    fi

    jobs post removed 6 3
    must "jobs are being done again" jobs wait removed 1 200
    local answered
    answered=$(jobs count removed)
    check "the package is removed" apt-get remove -y contingious
    check "what ran then was finished" test "$(jobs count removed)" -gt "$answered"
    check_not "the service is gone" systemctl is-active --quiet contingious
    check "images are kept until it is purged" test -d /var/lib/contingious/images
    # Nobody can take ids from an account that runs something: its systemd ends first.
    loginctl disable-linger ada
    systemctl stop "user@$ADA"
    check "the package is purged" apt-get purge -y contingious
    # Ours, not the package's.
    rm -rf /etc/systemd/user/contingious.service.d
    check "nothing of it is left" nothing_is_left
    check_not "no account is left" id contingious
    check "nothing failed" test -z "$(systemctl --failed --no-legend)"
}
