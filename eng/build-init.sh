#!/bin/bash
# Compiles the container's init, a static program: the build calls this where its source is newer.
# usage: eng/build-init.sh OUTPUT
# CC names another compiler, such as musl-gcc or aarch64-linux-gnu-gcc.
set -euo pipefail
(($# == 1)) || { echo "usage: eng/build-init.sh OUTPUT" >&2; exit 2; }
source=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../Contingious.Engine/Native/init.c
command -v "${CC:=gcc}" >/dev/null || { echo "build-init.sh: there is no $CC to compile $source with: sudo apt-get install gcc libc6-dev" >&2; exit 1; }
mkdir -p "$(dirname "$1")"
"$CC" -std=gnu11 -O2 -static -s -Wall -Wextra -Werror -o "$1.new" "$source"
mv "$1.new" "$1"
