#!/bin/bash
# Builds the disk of the test machine: a Debian with systemd, made once and then taken from the cache. Prints the directory that holds it:
#   disk.img (ext4, never written to), vmlinuz, initrd.img, key (of root and of ada), packages.txt (what is installed)
# usage: eng/vm/image.sh [SUITE]      SUITE is a Debian release, bookworm unless given
# Needs root, mmdebstrap, e2fsprogs and a Debian mirror.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../lib.sh"
# shellcheck source=packages.sh
. "$CHECKOUT/eng/vm/packages.sh"

SUITE=${1:-bookworm}
MIRROR=${CONTINGIOUS_VM_MIRROR:-http://deb.debian.org/debian}
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/contingious/vm
KEY=$(cat "$CHECKOUT"/eng/vm/{image.sh,packages.sh,customize.sh,initramfs.sh} - <<<"$SUITE $MIRROR" | sha256sum | cut -c1-16)
IMAGE=$CACHE/$SUITE-$KEY

mkdir -p "$CACHE"
exec 9>"$CACHE/lock"
flock 9
if [[ -e $IMAGE/complete ]]; then
    touch "$IMAGE/complete"
    echo "$IMAGE"
    exit
fi

is_root || die "building the test machine needs root"
complain "building the $SUITE machine, which takes a few minutes"
# A disk that nobody used for a month is not kept.
find "$CACHE" -mindepth 1 -maxdepth 1 -type d ! -exec test -e '{}/complete' \; -exec rm -rf --one-file-system {} +
find "$CACHE" -mindepth 2 -maxdepth 2 -name complete -mtime +30 -printf '%h\0' | xargs -0 -r rm -rf --one-file-system

mkdir "$IMAGE"
ROOT=$IMAGE/root
ssh-keygen -q -t ed25519 -N '' -C contingious-vm -f "$IMAGE/key"
if ! mmdebstrap --quiet --mode=root --variant=minbase --format=directory --include="$(IFS=,; echo "${VM_CONTENTS[*]}")" \
    --essential-hook="$CHECKOUT/eng/vm/initramfs.sh \"\$1\"" \
    --customize-hook="$CHECKOUT/eng/vm/customize.sh \"\$1\" '$IMAGE/key.pub'" \
    "$SUITE" "$ROOT" "deb $MIRROR $SUITE main" >"$IMAGE/build.log" 2>&1 9>&-; then
    tail -n 30 "$IMAGE/build.log" >&2
    die "mmdebstrap failed: above are the last lines of $IMAGE/build.log"
fi
cp "$ROOT"/boot/vmlinuz-* "$IMAGE/vmlinuz"
cp "$ROOT"/boot/initrd.img-* "$IMAGE/initrd.img"
chroot "$ROOT" dpkg-query -W >"$IMAGE/packages.txt"
mke2fs -q -t ext4 -L contingious -m 0 -E lazy_itable_init=0,lazy_journal_init=0,nodiscard -d "$ROOT" "$IMAGE/disk.img" 8G >>"$IMAGE/build.log" 2>&1
chmod 444 "$IMAGE/disk.img"
rm -rf --one-file-system "$ROOT"
touch "$IMAGE/complete"
echo "$IMAGE"
