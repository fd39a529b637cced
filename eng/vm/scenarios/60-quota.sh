# shellcheck shell=bash
# Disk slots: project quotas of an xfs and of an ext4, provisioned by setup, hold a job to its disk.
# Only with --soak: it takes minutes.

quota_of() {
    local type=$1 place=/srv/$1
    mkdir -p "$place"
    truncate -s 600M "/srv/$type.img"
    if [[ $type == xfs ]]; then mkfs.xfs -q "/srv/$type.img"; else mke2fs -q -t ext4 -O quota,project -E quotatype=prjquota "/srv/$type.img"; fi
    mount -o loop,prjquota "/srv/$type.img" "$place"
}
provision() { contingious setup --disk-slots 2 --disk-slot-size 128m --disk-slot-inodes 20k --disk-directory "/srv/$1"; }
# Two files: none may be larger than the disk.
is_held() {
    ! contingious run --disk 96m --cpu-time 100s --wall-time 200s alpine-hello-world -- sh -c 'dd if=/dev/zero of=one bs=1M count=60 && dd if=/dev/zero of=two bs=1M count=60' >/run/held.log 2>&1
    cat /run/held.log
    grep -qE 'No space left|quota exceeded' /run/held.log
}
fits() { contingious run --disk 96m --cpu-time 100s --wall-time 200s alpine-hello-world -- sh -c 'dd if=/dev/zero of=big bs=1M count=40 && ls -l big'; }

try_on() {
    local type=$1
    must "$type with project quota is mounted" quota_of "$type"
    must "$type: setup provisions disk slots" provision "$type"
    check "$type: doctor knows them" says "2 disk slots of 128 MiB" contingious doctor
    check "$type: what fits is written" fits
    check "$type: what does not fit is refused by the kernel" is_held
}

phase_start() {
    DOTNET_ROOT=$PAYLOAD/dotnet run_tests "the kernel's own project quotas" "$TESTS" --results-directory /var/tmp --filter-class Contingious.Tests.Host.DiskSlotQuotaTests
    systemctl stop contingious
    contingious keeper stop || true
    # A job that is small lies in memory; here none is.
    install -d /etc/contingious
    cp -a /etc/contingious/config.json /run/config.before 2>/dev/null || true
    echo '{ "disk": { "backend": "project_quota" } }' >/etc/contingious/config.json
    try_on xfs
    contingious keeper stop || true
    try_on ext4
    contingious keeper stop || true
    if [[ -e /run/config.before ]]; then cp -a /run/config.before /etc/contingious/config.json; else rm /etc/contingious/config.json; fi
}
