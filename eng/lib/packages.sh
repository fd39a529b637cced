# shellcheck shell=bash
# The programs of the host, from Debian's packages. The README's table says why each is there.

PACKAGES=(
    crun rootlesskit uidmap catatonit slirp4netns busybox-static util-linux
    gcc libc6-dev musl-tools
    skopeo buildah mmdebstrap
    rabbitmq-server python3-pika python3-msgpack
)
# shellcheck disable=SC2034  # for test.sh
TEST_PACKAGES=(shellcheck sudo man-db zsh fish python3 umoci docker-registry zstd xz-utils libarchive-tools attr)
# shellcheck disable=SC2034
VM_PACKAGES=(qemu-system-x86 qemu-utils mmdebstrap e2fsprogs openssh-client binutils)

is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# From 1.35 on (Debian 13 has 1.39) it builds nothing without that program, whether it has a use for it or not; Debian only recommends it.
buildah_wants_netavark() {
    local version
    version=$(apt-cache policy buildah 2>/dev/null | sed -n 's/^ *Candidate: \([0-9]\)/\1/p')
    [[ $version ]] && dpkg --compare-versions "$version" ge 1.35
}

# install_packages [NAME…]: what is missing of PACKAGES and the names given.
install_packages() {
    command -v dpkg-query >/dev/null ||
        die "this is not Debian or a relative of it. Install the programs of the README's table by hand, then use eng/contingious."
    # Twice, for which buildah there is to be had may show only when apt has read its lists.
    install_missing "$@"
    [[ ! $INSTALLED ]] || install_missing "$@"
    [[ $INSTALLED ]] || note "all packages are installed"
}

# install_missing [NAME…]: INSTALLED says whether there was something to install.
install_missing() {
    local missing=() wanted=("${PACKAGES[@]}" "$@") package
    ! buildah_wants_netavark || wanted+=(netavark)
    for package in "${wanted[@]}"; do
        is_installed "$package" || missing+=("$package")
    done
    INSTALLED=''
    ((${#missing[@]} > 0)) || return 0
    INSTALLED=yes
    note "installing ${missing[*]}"
    as_root "$CHECKOUT/eng/lib/apt-install.sh" "${missing[@]}"
}
