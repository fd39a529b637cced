#!/bin/bash
# Makes a real image: a Debian root by mmdebstrap, with more layers over it by buildah, as an OCI layout DIR with the ref "latest",
# and "changed", which has another last layer.
# For tests and benchmarks. Needs root of a user namespace that maps 65,536 ids: contingious unshare -- eng/real-image.sh DIR
# usage: eng/real-image.sh DIR [PACKAGE,… [REF]]      REF latest: without "changed"
set -euo pipefail

DIR=$(readlink -m "$1")
PACKAGES=${2:-gcc,libc6-dev,python3}
REF=${3:-changed}
. /etc/os-release

WORK=$(mktemp -d "$DIR.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
export HOME=$WORK TMPDIR=$WORK XDG_RUNTIME_DIR=$WORK SOURCE_DATE_EPOCH=1700000000
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# The host's own package sources, so that its mirror and proxy are used.
shopt -s nullglob
SOURCES=(/etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/debian.sources)
for file in "${SOURCES[@]}"; do [[ -s $file ]] && FOUND+=("$file"); done
mmdebstrap --quiet --mode=root --variant=minbase --include="$PACKAGES" "$VERSION_CODENAME" "$WORK/root.tar" "${FOUND[@]}" 2>"$WORK/mmdebstrap.log" || {
    tail -n 20 "$WORK/mmdebstrap.log" >&2
    exit 1
}

# Each step is a layer: whiteouts, an opaque directory, a directory that becomes a link, a file that becomes a directory, changed modes and owners.
mkdir "$WORK/context"
mv "$WORK/root.tar" "$WORK/context/"
cat >"$WORK/context/Containerfile" <<'EOF'
FROM scratch
ADD root.tar /
RUN rm -rf /usr/share/doc /usr/share/man /var/lib/apt/lists/* && rm -f /usr/bin/pdb3
RUN mkdir -p /opt/course/lib && cp -a /usr/lib/python3.*/json /opt/course/lib/ && ln -s ../course/lib /opt/lib && ln /opt/course/lib/json/decoder.py /opt/course/lib/json/also.py && rm -r /srv && ln -s /opt/course /srv
RUN rm -rf /opt/course/lib/json && mkdir /opt/course/lib/json && echo new >/opt/course/lib/json/new.py && rm /etc/debian_version && mkdir /etc/debian_version && chown 1000:1000 /opt/course && chmod 2750 /opt/course && mkdir -p /work && chown 1000:1000 /work
USER 1000:1000
WORKDIR /work
CMD ["python3", "-c", "print('hello')"]
EOF
cat >"$WORK/policy.json" <<'EOF'
{"default":[{"type":"insecureAcceptAnything"}]}
EOF
BUILDAH=(buildah --storage-driver vfs --root "$WORK/storage" --runroot "$WORK/storage-run")

# build REF: from the Containerfile in the context, layers that are there already are taken as they are.
build() {
    local ref=$1
    "${BUILDAH[@]}" bud --quiet --isolation chroot --signature-policy "$WORK/policy.json" --format oci --layers --iidfile "$WORK/id" "$WORK/context" >"$WORK/buildah.log" 2>&1 || {
        tail -n 20 "$WORK/buildah.log" >&2
        exit 1
    }
    "${BUILDAH[@]}" push --signature-policy "$WORK/policy.json" --quiet "$(<"$WORK/id")" "oci:$DIR:$ref"
}
build latest
[[ $REF != latest ]] || exit 0
sed -i 's/echo new/echo changed/' "$WORK/context/Containerfile"
build changed
