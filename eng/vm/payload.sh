# shellcheck shell=bash
# The second disk of the test machine: the product as its users get it, and the tests. Sourced, never run.

# The tests are not installed: they bring the runtime that they were built for.
PAYLOAD_PATHS=(Contingious.sln images examples eng/vm artifacts/bin/Contingious.Tests/release_linux-x64)

# build_payload DIR: makes DIR/payload.img.
build_payload() {
    local payload=$1/payload
    use_dotnet
    build_tests
    mkdir -p "$payload/dotnet/shared"
    (cd "$CHECKOUT" && tar -cf - "${PAYLOAD_PATHS[@]}") | tar -C "$payload" --no-same-owner -xf -
    cp -R "$DOTNET_ROOT/host" "$payload/dotnet/"
    cp -R "$DOTNET_ROOT/shared/Microsoft.NETCore.App" "$DOTNET_ROOT/shared/Microsoft.AspNetCore.App" "$payload/dotnet/shared/"
    "$CHECKOUT/eng/package.sh" --out "$1/package"
    cp "$1"/package/contingious_*_amd64.deb "$payload/contingious.deb"
    next_version "$payload/contingious.deb" "$payload/contingious-next.deb"
    chmod -R u=rwX,go=rX "$payload"
    mke2fs -q -t ext4 -d "$payload" -m 0 "$1/payload.img" "$(($(du -sm "$payload" | cut -f1) * 5 / 4 + 64))M" >/dev/null 2>&1 || die "mke2fs could not make the second disk"
    rm -rf "$payload" "$1/package"
}

# next_version PACKAGE NEW: the same package once more, by a higher version. Only what dpkg reads of it is packed anew.
next_version() {
    local parts=$2.parts
    mkdir "$parts"
    dpkg-deb -e "$1" "$parts/control"
    sed -i 's/^Version: .*/&+next/' "$parts/control/control"
    (
        cd "$parts" || exit
        ar x "$1"
        tar -C control --owner=0 --group=0 -czf control.tar.gz .
        rm -f "$2"
        ar rc "$2" debian-binary control.tar.gz data.tar.*
    )
    rm -rf "$parts"
}
