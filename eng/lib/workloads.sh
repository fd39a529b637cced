# shellcheck shell=bash
# What eng/benchmark.sh workloads measures with: images, podman as root and rootless, directories of the host. All of it lies in SCRATCH, but
# for our engine's images, which can only lie in the account's store; they go with the script.

WORKLOADS=benchmark-workloads-
WORKLOAD_SIZES=(5 50 500 2000)
WORKLOAD_PROGRAM=Contingious.Benchmarks/Workloads/workload.py

# insert REF SOURCE TARGET: an image REF, which is the one before with a layer more.
insert() { umoci insert --image "$SCRATCH/layout:latest" --tag "$1" "$2" "$3"; }

# fill FILE MIB: four pages of chance again and again, of which a layer packs all but the first.
fill() {
    local pattern=$SCRATCH/pattern
    [[ -s $pattern ]] || head -c 16K /dev/urandom >"$pattern"
    # A reader that stops early would end its writer, and with it this script.
    seq "$(($2 * 64))" | sed "s#.*#$pattern#" | xargs cat >"$1"
}

make_workload_layout() {
    local size number
    note "a Debian with python3"
    "$CONTINGIOUS" unshare -- "$TREE/eng/real-image.sh" "$SCRATCH/layout" python3 latest
    note "with 100,000 files, archives and a database"
    mkdir -p "$SCRATCH"/tree "$SCRATCH"/{data,program}
    cp "$CHECKOUT/$WORKLOAD_PROGRAM" "$SCRATCH/tree/"
    /usr/bin/python3 "$CHECKOUT/$WORKLOAD_PROGRAM" make "$SCRATCH/tree" 100000
    chmod -R a+rX "$SCRATCH/tree"
    insert files "$SCRATCH/tree" /opt/workloads
    note "with a file of 1 GiB"
    fill "$SCRATCH/data/large" 1024
    chown -R 1000:1000 "$SCRATCH/data"
    insert gigabyte "$SCRATCH/data" /data
    umoci insert --image "$SCRATCH/layout:gigabyte" "$SCRATCH/tree/workload.py" /opt/workloads/workload.py
    note "with ${WORKLOAD_SIZES[*]} MB beside it"
    gcc -O2 -static -s -o "$SCRATCH/program/first" "$CHECKOUT/Contingious.Benchmarks/Jobs/first.c"
    for size in "${WORKLOAD_SIZES[@]}"; do
        mkdir "$SCRATCH/ballast"
        for ((number = 0; number < size; number += 5)); do fill "$SCRATCH/ballast/$number" 5; done
        insert "size-$size" "$SCRATCH/ballast" /opt/ballast
        umoci insert --image "$SCRATCH/layout:size-$size" "$SCRATCH/program/first" /usr/bin/first
        rm -r "$SCRATCH/ballast"
    done
    # The account reads it too.
    chmod -R a+rX "$SCRATCH/layout"
}

# import_workload NAME REF [OPTION…]: into the account's store, from which it goes again; no layer stays.
import_workload() {
    "$CONTINGIOUS" import "oci:$SCRATCH/layout:$2" --name "$WORKLOADS$1" --no-layer-cache "${@:3}" >"$SCRATCH/import.log" 2>&1 || {
        cat "$SCRATCH/import.log" >&2
        die "the image $2 cannot be imported"
    }
    at_exit "$CONTINGIOUS" image rm "$WORKLOADS$1"
}

import_workloads() {
    local size
    import_workload files files
    import_workload overlay-files files --clone-engine overlay
    import_workload gigabyte gigabyte --editable /data
    import_workload overlay-gigabyte gigabyte --clone-engine overlay
    for size in "${WORKLOAD_SIZES[@]}"; do import_workload "size-$size" "size-$size"; done
}

# podman_words NAME: a storage of its own in SCRATCH. One word a line.
podman_words() {
    printf '%s\n' podman --root "$SCRATCH/podman-$1" --runroot "$SCRATCH/podman-$1-run" --tmpdir "$SCRATCH/podman-$1-tmp" \
        --storage-driver overlay --runtime /usr/bin/crun --cgroup-manager cgroupfs --events-backend file
}

# Sets PODMAN and ROOTLESS to the words that a command line begins with, and has both take the images. Where it does not work rootless, ROOTLESS is empty.
prepare_podman() {
    local runtime=$SCRATCH/podman-rootless-runtime
    mapfile -t PODMAN < <(podman_words root)
    install -d -o "$(account)" -m 0700 "$runtime" "$SCRATCH"/podman-rootless{,-run,-tmp,-home}
    ROOTLESS=(setpriv --reuid="$(id -u "$(account)")" --regid="$(id -g "$(account)")" --init-groups -- env HOME="$SCRATCH/podman-rootless-home" XDG_RUNTIME_DIR="$runtime")
    mapfile -t -O "${#ROOTLESS[@]}" ROOTLESS < <(podman_words rootless)
    at_exit remove_podman
    pull_workloads "${PODMAN[@]}" || die "podman does not take the images"
    if ! { pull_workloads "${ROOTLESS[@]}" && (cd / && "${APART[@]}" "${ROOTLESS[@]}" run --rm --network none "${WORKLOADS}files" true); } 2>"$SCRATCH/rootless.log"; then
        # shellcheck disable=SC2034 # for benchmark.sh
        ROOTLESS_COMPLAINT=$(tail -n 1 "$SCRATCH/rootless.log")
        ROOTLESS=()
    fi
}

pull_workloads() {
    local ref id
    for ref in files gigabyte; do
        id=$(cd / && "${APART[@]}" "$@" pull --quiet "oci:$SCRATCH/layout:$ref") || return 1
        (cd / && "${APART[@]}" "$@" tag "$id" "$WORKLOADS$ref") || return 1
    done
}

# Containers, where the script was interrupted; and the process with which a rootless podman holds its namespaces.
remove_podman() {
    local file
    (cd / && "${APART[@]}" "${PODMAN[@]}" rm --all --force --time 0) >/dev/null || true
    ((${#ROOTLESS[@]} == 0)) || (cd / && "${APART[@]}" "${ROOTLESS[@]}" rm --all --force --time 0) >/dev/null || true
    for file in "$SCRATCH"/podman-*/pause.pid "$SCRATCH"/podman-*/libpod/tmp/pause.pid; do
        [[ ! -s $file ]] || kill "$(<"$file")" || true
    done
}

# A directory for the host's own program on a disk, and one in memory, with the large file in each.
make_native_places() {
    mkdir "$SCRATCH"/native-{disk,memory}
    mount -t tmpfs -o size=3g contingious-benchmark "$SCRATCH/native-memory"
    at_exit umount "$SCRATCH/native-memory"
    cp "$SCRATCH/data/large" "$SCRATCH/native-disk/large"
    cp "$SCRATCH/data/large" "$SCRATCH/native-memory/large"
}
