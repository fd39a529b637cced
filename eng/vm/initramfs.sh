#!/bin/bash
# A small initial RAM disk, for it is unpacked by an emulated processor: what the machine's one disk needs. mmdebstrap calls it before the kernel is installed.
# usage: initramfs.sh ROOT
set -euo pipefail
mkdir -p "$1/etc/initramfs-tools/conf.d"
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/vm"
printf '%s\n' virtio_pci virtio_blk ext4 crc32c_generic >"$1/etc/initramfs-tools/modules"
