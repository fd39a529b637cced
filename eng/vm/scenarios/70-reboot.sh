# shellcheck shell=bash
# The machine is restarted in the middle of jobs, in order and then by a power cut; afterwards each job has its one result, and nothing is left over.
# Only with --soak: it takes minutes.

no_leftovers() { ! find /sys/fs/cgroup -name 'ctg-*' | grep .; }

phase_start() {
    await_broker
    must "the service is enabled" systemctl enable --now contingious
    jobs post reboot 8 2
    must "jobs are being done" jobs wait reboot 2 200
    reboot_into after_reboot
}

phase_after_reboot() {
    await_broker
    check_soon 300 "after a reboot the service is there by itself" systemctl is-active contingious
    check "each job of before the reboot has one result" jobs check reboot 8 400
    jobs post reset 8 2
    must "jobs are being done again" jobs wait reset 2 200
    reset_into after_reset
}

phase_after_reset() {
    await_broker
    check_soon 300 "after a power cut the service is there by itself" systemctl is-active contingious
    check "each job of before the power cut has one result" jobs check reset 8 400
    check_soon 60 "nothing is left over" no_leftovers
    check "doctor has nothing fatal" contingious doctor
}
