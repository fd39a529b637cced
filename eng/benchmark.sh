#!/bin/bash
# Measures imports against umoci and buildah on this machine; nothing else should run meanwhile. Takes about ten minutes.
# usage: eng/benchmark.sh [ROUNDS]      results go to Contingious.Benchmarks/results/import.md
set -euo pipefail
# shellcheck source=eng/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"
ROUNDS=${1:-5}
BENCHMARKS=artifacts/bin/Contingious.Benchmarks/release_linux-x64/Contingious.Benchmarks

say "programs"
install_packages umoci mmdebstrap
say "build"
use_dotnet
build_command
run_dotnet restore "$CHECKOUT/Contingious.sln"
run_dotnet build "$CHECKOUT/Contingious.Benchmarks" -c Release --no-restore
say "account"
choose_tree
set_up_account
export CONTINGIOUS_CLI=$CONTINGIOUS

# On a disk, as the image store is: /tmp may be a tmpfs.
SCRATCH=$(as_account mktemp -d /var/tmp/contingious-benchmark.XXXXXX)
at_exit "$CONTINGIOUS" unshare -- rm -rf "$SCRATCH"
say "a real image of more than 300 MB"
"$CONTINGIOUS" unshare -- "$TREE/eng/real-image.sh" "$SCRATCH/layout" gcc,g++,libc6-dev,make,python3,openjdk-17-jdk-headless
say "measuring"
as_account mkdir "$SCRATCH/scratch"
RESULT=$CHECKOUT/Contingious.Benchmarks/results/import.md
{
    echo "# Import"
    echo
    echo "$(nproc) cores, $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r), $(stat -f -c %T "$SCRATCH")."
    echo "umoci $(dpkg-query -W -f '${Version}' umoci), skopeo $(dpkg-query -W -f '${Version}' skopeo), buildah $(dpkg-query -W -f '${Version}' buildah)."
    "$CONTINGIOUS" unshare -- "$TREE/$BENCHMARKS" import "$SCRATCH/layout" "$SCRATCH/scratch" "$ROUNDS"
} | tee "$RESULT.new"
mv "$RESULT.new" "$RESULT"
