# shellcheck shell=bash
# The programs of the host, from Debian's packages. The README's table says why each is there.

PACKAGES=(
    crun rootlesskit uidmap catatonit slirp4netns busybox-static util-linux
    gcc libc6-dev
    skopeo buildah mmdebstrap
    rabbitmq-server python3-pika python3-msgpack
)
# shellcheck disable=SC2034  # for test.sh
TEST_PACKAGES=(shellcheck sudo man-db musl-tools python3 umoci docker-registry zstd xz-utils libarchive-tools attr)
# shellcheck disable=SC2034
VM_PACKAGES=(qemu-system-x86 qemu-utils mmdebstrap e2fsprogs openssh-client binutils)

is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# install_packages [NAME…]: what is missing of PACKAGES and the names given.
install_packages() {
    command -v dpkg-query >/dev/null ||
        die "this is not Debian or a relative of it. Install the programs of the README's table by hand, then use eng/contingious."
    local missing=() package
    for package in "${PACKAGES[@]}" "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then
        note "all packages are installed"
        return
    fi
    note "installing ${missing[*]}"
    as_root "$CHECKOUT/eng/lib/apt-install.sh" "${missing[@]}"
}
