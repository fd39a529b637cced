#!/bin/bash
# Measures on this machine; nothing else should run meanwhile. Results go to Contingious.Benchmarks/results/.
# usage: eng/benchmark.sh [import [ROUNDS]]      imports, against umoci and buildah: about ten minutes
#        eng/benchmark.sh clones [ROUNDS]        clones of trees, against cp -a, File.Copy and overlayfs: about fifteen minutes; as root
#        eng/benchmark.sh soak [JOBS]            hello-world jobs through a broker and the agent: a few minutes for 5,000
#        eng/benchmark.sh jobs [ROUNDS]          what a sandbox costs, against crun alone, podman and isolate: five minutes; as root
#        eng/benchmark.sh workloads [ROUNDS]     programs in a new container, against podman as root and rootless, and the bare host: an hour; as root
set -euo pipefail
# shellcheck source=eng/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"
WHAT=${1:-import}
COUNT=${2:-}
# shellcheck source=eng/lib/workloads.sh
. "$CHECKOUT/eng/lib/workloads.sh"
[[ $WHAT != clones ]] || is_root || die "the clones are measured on mounts of their own: run this as root"
BENCHMARKS=artifacts/bin/Contingious.Benchmarks/release_linux-x64/Contingious.Benchmarks
case $WHAT in
    import) PACKAGES=(umoci mmdebstrap) ;;
    clones) PACKAGES=(btrfs-progs xfsprogs) ;;
    soak) is_root && PACKAGES=(podman) || PACKAGES=() ;;
    jobs) PACKAGES=(podman gcc libc6-dev) ;;
    workloads) PACKAGES=(podman umoci mmdebstrap python3 gcc libc6-dev) ;;
    *) die "there is no benchmark '$WHAT': import, clones, jobs, soak and workloads are" ;;
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
    local peers=() at_once
    if is_root; then
        for at_once in "$(nproc)" $((2 * $(nproc))); do peers+=("$at_once=$(podman_rate "$at_once")"); done
    fi
    as_account "$TREE/$BENCHMARKS" soak alpine-hello-world "${COUNT:-10000}" "${peers[@]}"
}

podman_rate() {
    # shellcheck disable=SC2086 # its words
    "$BENCHMARKS" rate 60 "$1" "${APART[@]}" $PODMAN_WORDS run --rm --network none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 contingious-benchmark
}

# A recipe like alpine-hello-world's, with a program that says when its first instruction ran.
make_job_image() {
    mkdir -p "$SCRATCH/images/benchmark"
    cp -r "$CHECKOUT"/images/alpine-hello-world/. "$SCRATCH/images/benchmark/"
    gcc -O2 -static -s -o "$SCRATCH/images/benchmark/first" "$CHECKOUT/Contingious.Benchmarks/Jobs/first.c"
    sed -i 's#^RUN#COPY --chown=0:0 --chmod=0755 first /bin/first\nRUN#' "$SCRATCH/images/benchmark/Containerfile"
    chmod -R a+rX "$SCRATCH/images"
    CONTINGIOUS_IMAGES=$SCRATCH/images "$CONTINGIOUS" import benchmark

    cp -r "$SCRATCH/images/benchmark" "$SCRATCH/podman-context"
}

# In a mount namespace of its own: crun refuses a host of both versions of cgroups as long as it sees a controller in the second.
# shellcheck disable=SC2016 # its own parameters
APART=(unshare -m sh -c 'f=/sys/fs/cgroup/unified/cgroup.controllers; [ ! -e $f ] || mount --bind /dev/null $f; exec "$@"' apart)

# podman of its own store, and the image of a directory for it.
make_podman_image() {
    local context=$1
    PODMAN_WORDS="podman --root $SCRATCH/podman --runroot $SCRATCH/podman-run --storage-driver overlay --runtime /usr/bin/crun --cgroup-manager cgroupfs"
    cp /bin/busybox "$context/"
    # shellcheck disable=SC2086 # its words
    "${APART[@]}" $PODMAN_WORDS build -q --isolation chroot -t contingious-benchmark "$context" >/dev/null
}

measure_jobs() {
    local samples=$SCRATCH/samples peers=("$TREE/$BENCHMARKS" peers "$SCRATCH/samples" "${COUNT:-40}" contingious-benchmark "$SCRATCH/images/benchmark/first")
    echo "$(machine), $(stat -f -c %T "$SCRATCH")."
    echo "crun $(dpkg-query -W -f '${Version}' crun), podman $(dpkg-query -W -f '${Version}' podman)$(command -v isolate >/dev/null && isolate --version | sed -n '1s/^[^0-9]*\([0-9.]*\).*$/, isolate \1/p')."
    echo
    install -o "$(account)" /dev/null "$samples"
    make_podman_image "$SCRATCH/podman-context"
    "$CONTINGIOUS" unshare -- "${APART[@]}" "$TREE/$BENCHMARKS" jobs benchmark "$samples" "${COUNT:-40}"
    "${APART[@]}" "${peers[@]}" "podman, root" "$PODMAN_WORDS"
    as_account env CONTINGIOUS_CLI="$CONTINGIOUS" "$TREE/$BENCHMARKS" exec "$samples" "${COUNT:-40}" benchmark
    "$BENCHMARKS" report "$samples" "$CHECKOUT/Contingious.Benchmarks/results/jobs.svg"
    echo
    echo "![every run as a dot](jobs.svg)"
}

measure_workloads() {
    local samples=$SCRATCH/samples podman=("podman, root" "${PODMAN[*]}") sizes=() size state=/var/lib/contingious
    [[ $(account) == contingious ]] || state+=-$(account)
    echo "$(machine), $(stat -f -c %T "$SCRATCH")."
    [[ $(stat -c %d "$SCRATCH") == "$(stat -c %d "$state")" ]] || echo "Beware: $state, with our images and disks of jobs, is on another file system than all the rest, $(stat -f -c %T "$state")."
    echo "crun $(dpkg-query -W -f '${Version}' crun), podman $(dpkg-query -W -f '${Version}' podman). Cold: nothing is made ahead of a job. Images' files are in memory when the first round that counts begins."
    if ((${#ROOTLESS[@]})); then
        podman+=("podman, rootless" "${ROOTLESS[*]}")
    else
        echo "podman does not work rootless on this host, so there is no row of it: $ROOTLESS_COMPLAINT"
    fi
    for size in "${WORKLOAD_SIZES[@]}"; do sizes+=("$size MB=${WORKLOADS}size-$size"); done
    install -o "$(account)" /dev/null "$samples"
    "${APART[@]}" "$TREE/$BENCHMARKS" workloads "$samples" "${COUNT:-30}" "$WORKLOADS" "$SCRATCH/tree" "$SCRATCH/native-memory" "$SCRATCH/native-disk" "${podman[@]}"
    "$CONTINGIOUS" unshare -- "$TREE/$BENCHMARKS" sizes "$samples" "$((${COUNT:-30} * 10))" "${sizes[@]}"
    "$TREE/$BENCHMARKS" workload-report "$samples" "$SCRATCH/workloads.svg"
    cp "$SCRATCH/workloads.svg" "$CHECKOUT/Contingious.Benchmarks/results/workloads.svg"
    echo
    echo "![every run as a dot](workloads.svg)"
}

# A file system of each kind; the loop device goes with its mount.
make_file_systems() {
    local kind
    mkdir "$SCRATCH"/{ext4,tmpfs,btrfs,xfs}
    mount -t tmpfs -o size=2g contingious-benchmark "$SCRATCH/tmpfs"
    at_exit umount "$SCRATCH/tmpfs"
    for kind in btrfs xfs; do
        truncate -s 6G "$SCRATCH/$kind.img"
        "mkfs.$kind" -q "$SCRATCH/$kind.img" >/dev/null
        mount -o loop "$SCRATCH/$kind.img" "$SCRATCH/$kind"
        at_exit umount "$SCRATCH/$kind"
    done
}

measure_clones() {
    local kind places=()
    echo "$(machine). cp of coreutils $(dpkg-query -W -f '${Version}' coreutils), warm caches, in turns; btrfs and xfs are loop-mounted from files on the ext4."
    echo "cp's process start is part of its time, as it is for whoever uses it; an empty directory tells how much that is."
    echo "File.Copy keeps neither owners nor times nor links. A large file has 1 GiB where its blocks can be shared, else 256 MiB."
    for kind in ext4 tmpfs btrfs xfs; do places+=("$kind=$SCRATCH/$kind"); done
    "$CHECKOUT/$BENCHMARKS" clones "${COUNT:-10}" "${places[@]}"
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
if [[ $WHAT == clones ]]; then
    SCRATCH=$(mktemp -d /var/tmp/contingious-benchmark.XXXXXX)
    at_exit rm -rf --one-file-system "$SCRATCH"
    make_file_systems
    measure "Clones" measure_clones
    exit
fi

say "account"
choose_tree
set_up_account
export CONTINGIOUS_CLI=$CONTINGIOUS

if [[ $WHAT == soak ]]; then
    say "image"
    "$CONTINGIOUS" import alpine-hello-world
    await_broker
    if is_root; then
        SCRATCH=$(mktemp -d /var/tmp/contingious-benchmark.XXXXXX)
        at_exit rm -rf "$SCRATCH"
        cp -r "$CHECKOUT/images/alpine-hello-world" "$SCRATCH/podman-context"
        make_podman_image "$SCRATCH/podman-context"
    fi
    measure "Soak" measure_soak
    exit
fi

if [[ $WHAT == jobs ]]; then
    is_root || die "peers are started as root: run this as root"
    SCRATCH=$(mktemp -d /var/tmp/contingious-benchmark.XXXXXX)
    chmod 0755 "$SCRATCH"
    at_exit rm -rf "$SCRATCH"
    say "an image"
    make_job_image
    measure "Jobs" measure_jobs
    exit
fi

if [[ $WHAT == workloads ]]; then
    is_root || die "peers are started as root: run this as root"
    # podman takes no runroot of more than 50 characters, and no capitals in the path of a layout.
    SCRATCH=/var/tmp/contingious.$$
    as_account mkdir "$SCRATCH"
    chmod 0755 "$SCRATCH"
    at_exit rm -rf --one-file-system "$SCRATCH"
    say "images"
    make_workload_layout
    say "importing them"
    import_workloads
    say "podman takes them"
    prepare_podman
    make_native_places
    measure "Workloads" measure_workloads
    exit
fi

# On a disk, as the image store is: /tmp may be a tmpfs.
SCRATCH=$(as_account mktemp -d /var/tmp/contingious-benchmark.XXXXXX)
at_exit "$CONTINGIOUS" unshare -- rm -rf "$SCRATCH"
say "a real image of more than 300 MB"
"$CONTINGIOUS" unshare -- "$TREE/eng/real-image.sh" "$SCRATCH/layout" gcc,g++,libc6-dev,make,python3,openjdk-17-jdk-headless
as_account mkdir "$SCRATCH/scratch"
measure "Import" measure_imports
