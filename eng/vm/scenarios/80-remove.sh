# shellcheck shell=bash
# The package is upgraded over an agent with jobs, removed, and purged.
# Only with --soak: it takes minutes.

main_pid() { systemctl show -P MainPID contingious; }
# What an administrator would find; the journal and apt's own records are theirs.
nothing_is_left() {
    ! find / -xdev \( -path /proc -o -path /sys -o -path /payload -o -path /var/log -o -path '/var/lib/dpkg' -o -path /var/cache -o -path /root -o -path /srv -o -path /tmp -o -path /var/tmp \) -prune \
        -o -iname '*contingious*' -print | grep . && ! grep -H contingious /etc/passwd /etc/group /etc/subuid /etc/subgid
}
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
    check "the agent became the new program in the same process" test "$(main_pid)" = "$before"
    check "no job is lost by the upgrade" jobs check upgrade 10 400

    jobs post removed 4 3
    sleep 6
    check "the package is removed" apt-get remove -y contingious
    check_not "the service is gone" systemctl is-active --quiet contingious
    check "images are kept until it is purged" test -d /var/lib/contingious/images
    check "the package is purged" apt-get purge -y contingious
    # Ours, not the package's.
    rm -rf /etc/systemd/user/contingious.service.d
    check "nothing of it is left" nothing_is_left
    check_not "no account is left" id contingious
    check "nothing failed" test -z "$(systemctl --failed --no-legend)"
}
