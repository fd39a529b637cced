# shellcheck shell=bash
# What the virtual machine is made of. Sourced, never run; the cached disk is made anew when this changes.

# shellcheck disable=SC2034  # for image.sh
VM_CONTENTS=(
    # The machine
    systemd-sysv dbus dbus-user-session libpam-systemd udev kmod initramfs-tools linux-image-cloud-amd64 openssh-server iproute2 ca-certificates tzdata
    # What Contingious needs, and the second runtime
    crun runc rootlesskit uidmap catatonit slirp4netns util-linux busybox-static rabbitmq-server
    # What the tests and the scenarios need
    skopeo buildah netavark umoci attr sudo python3 python3-pika python3-msgpack xfsprogs e2fsprogs quota procps psmisc strace man-db bash-completion zstd xz-utils less apparmor
)
