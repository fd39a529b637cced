#!/bin/bash
# Measures on this machine; nothing else should run meanwhile. Results go to Contingious.Benchmarks/results/.
# usage: eng/benchmark.sh [import [ROUNDS]]      imports, against umoci and buildah: about ten minutes
#        eng/benchmark.sh soak [JOBS]            hello-world jobs through a broker and the agent: a few minutes for 5,000
set -euo pipefail
# shellcheck source=eng/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"
WHAT=${1:-import}
COUNT=${2:-}
BENCHMARKS=artifacts/bin/Contingious.Benchmarks/release_linux-x64/Contingious.Benchmarks
case $WHAT in
    import) PACKAGES=(umoci mmdebstrap) ;;
    soak) PACKAGES=() ;;
    *) die "there is no benchmark '$WHAT': import and soak are" ;;
esac

machine() { echo "$(nproc) cores, $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r)"; }

# measure TITLE CMD…: a file in results/ is replaced only by a whole one.
measure() {
    local title=$1 result=$CHECKOUT/Contingious.Benchmarks/results/$WHAT.md
    shift
    say "measuring"
    {
        echo "# $title"
        echo
        "$@"
    } | tee "$result.new"
    mv "$result.new" "$result"
}

measure_imports() {
    echo "$(machine), $(stat -f -c %T "$SCRATCH")."
    echo "umoci $(dpkg-query -W -f '${Version}' umoci), skopeo $(dpkg-query -W -f '${Version}' skopeo), buildah $(dpkg-query -W -f '${Version}' buildah)."
    "$CONTINGIOUS" unshare -- "$TREE/$BENCHMARKS" import "$SCRATCH/layout" "$SCRATCH/scratch" "${COUNT:-5}"
}

measure_soak() {
    echo "$(machine). rabbitmq-server $(dpkg-query -W -f '${Version}' rabbitmq-server), crun $(dpkg-query -W -f '${Version}' crun); broker, agent and sender share the machine."
    as_account "$TREE/$BENCHMARKS" soak alpine-hello-world "${COUNT:-5000}"
}

say "programs"
install_packages "${PACKAGES[@]}"
if [[ $WHAT == soak ]]; then
    make_work_directory benchmark
    start_broker
fi
say "build"
use_dotnet
build_command
run_dotnet restore "$CHECKOUT/Contingious.sln"
run_dotnet build "$CHECKOUT/Contingious.Benchmarks" -c Release --no-restore
say "account"
choose_tree
set_up_account
export CONTINGIOUS_CLI=$CONTINGIOUS

if [[ $WHAT == soak ]]; then
    say "image"
    "$CONTINGIOUS" import alpine-hello-world
    await_broker
    measure "Soak" measure_soak
    exit
fi

# On a disk, as the image store is: /tmp may be a tmpfs.
SCRATCH=$(as_account mktemp -d /var/tmp/contingious-benchmark.XXXXXX)
at_exit "$CONTINGIOUS" unshare -- rm -rf "$SCRATCH"
say "a real image of more than 300 MB"
"$CONTINGIOUS" unshare -- "$TREE/eng/real-image.sh" "$SCRATCH/layout" gcc,g++,libc6-dev,make,python3,openjdk-17-jdk-headless
as_account mkdir "$SCRATCH/scratch"
measure "Import" measure_imports
