#!/bin/bash
# Compiles the container's init, a static program: the build calls this where its source is newer.
# usage: eng/build-init.sh OUTPUT
# CC names another compiler, such as aarch64-linux-gnu-gcc; without it musl-gcc is taken where it is installed: glibc asks the processor what it can
# at each start (CPUID), which a virtual machine's host answers, and twice for each container that is a quarter of a millisecond.
set -euo pipefail
(($# == 1)) || { echo "usage: eng/build-init.sh OUTPUT" >&2; exit 2; }
source=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../Contingious.Engine/Native/init.c
[[ -n ${CC:-} ]] || CC=$(command -v musl-gcc || echo gcc)
command -v "$CC" >/dev/null || { echo "build-init.sh: there is no $CC to compile $source with: sudo apt-get install gcc libc6-dev musl-tools" >&2; exit 1; }
options=(-std=gnu11 -O2 -static -s -Wall -Wextra -Werror)

# musl has no headers of the kernel's own.
[[ $CC != *musl* ]] || options+=(-idirafter /usr/include -idirafter "/usr/include/$(gcc -print-multiarch)")
mkdir -p "$(dirname "$1")"
"$CC" "${options[@]}" -o "$1.new" "$source"
mv "$1.new" "$1"
