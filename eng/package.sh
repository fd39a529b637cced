#!/bin/bash
# Makes what users install: a Debian package, and an archive for other distributions. Needs the .NET SDK, dpkg-deb and zstd; no root.
# usage: eng/package.sh [--out DIR] [--version V]
#   --out DIR      where they go (artifacts/)
#   --version V    another version than the one of Directory.Build.props, such as 1.2.4, to try upgrades with
# The last two lines are the paths of the two. The same sources make the same bytes: SOURCE_DATE_EPOCH is the time that files get.
set -euo pipefail
# shellcheck source=eng/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

PARTS=$CHECKOUT/eng/package
OUT=$ARTIFACTS
VERSION=$(sed -n 's|.*<Version>\(.*\)</Version>.*|\1|p' "$CHECKOUT/Directory.Build.props")
while (($#)); do
    case $1 in
        --out) OUT=${2:?} ;;
        --version) VERSION=${2:?} ;;
        *) die "no such option: $1. See eng/package.sh --help" ;;
    esac
    shift 2
done
[[ $VERSION =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || die "$VERSION is no version of three numbers"
for program in dpkg-deb zstd gzip; do
    command -v "$program" >/dev/null || die "$program is not installed. It is in the package of the same name (dpkg-deb: dpkg)"
done

# Of the last change, where that is known: time is a part of every archive.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$CHECKOUT" log -1 --format=%ct 2>/dev/null || stat -c %Y "$CHECKOUT/Directory.Build.props")}
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8

DEB=contingious_${VERSION}_amd64.deb
ARCHIVE=contingious-$VERSION-linux-x64.tar.zst
CACHE=$ARTIFACTS/package/$VERSION
PROGRAM=$CACHE/program
WHAT_GOES_IN=(images docs examples README.md eng/package eng/package.sh)

package_stamp() {
    source_stamp
    (cd "$CHECKOUT" && find "${WHAT_GOES_IN[@]}" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
    echo "$SOURCE_DATE_EPOCH ${CONTINGIOUS_MAINTAINER:-}"
}

# The sources alone: the program does not change with the documents.
publish() {
    local stamp
    stamp=$(source_stamp && sha256sum <"$PARTS/package.targets" && declare -f publish)
    [[ $(cat "$CACHE/.program.stamp" 2>/dev/null) != "$stamp" ]] || return 0
    note "publishing $VERSION with its runtime (some minutes)"
    rm -rf "$CACHE/.program.stamp" "$PROGRAM"
    publish_program "$PROGRAM" "$ARTIFACTS/package/build" --self-contained -p:Version="$VERSION" -p:IncludeSourceRevisionInInformationalVersion=false \
        -p:DebugType=none -p:PathMap="$CHECKOUT=/contingious" -p:CustomAfterMicrosoftCommonTargets="$PARTS/package.targets"
    echo "$stamp" >"$CACHE/.program.stamp"
}

# stage ROOT PREFIX: everything but what one of the two formats has alone.
stage() {
    local root=$1 prefix=$1$2
    rm -rf "$root"
    install -d "$prefix"/{bin,lib/contingious,share/man/man1,share/man/man5,share/contingious,share/doc/contingious}
    cp -R "$PROGRAM/." "$prefix/lib/contingious/"
    ln -s ../lib/contingious/contingious "$prefix/bin/contingious"
    local contingious=$PROGRAM/contingious

    "$contingious" manual "$root/manual"
    for page in "$root"/manual/*; do gzip -9nc "$page" >"$prefix/share/man/man${page##*.}/${page##*/}.gz"; done
    rm -rf "$root/manual"

    install -d "$prefix"/share/{bash-completion/completions,zsh/vendor-completions,fish/vendor_completions.d}
    "$contingious" completion bash >"$prefix/share/bash-completion/completions/contingious"
    "$contingious" completion zsh >"$prefix/share/zsh/vendor-completions/_contingious"
    "$contingious" completion fish >"$prefix/share/fish/vendor_completions.d/contingious.fish"

    cp -R "$CHECKOUT/images" "$prefix/share/contingious/images"
    cp -R "$CHECKOUT/README.md" "$CHECKOUT/docs" "$CHECKOUT/examples" "$PARTS/copyright" "$prefix/share/doc/contingious/"
    local runtime
    runtime=$(find "${NUGET_PACKAGES:-$HOME/.nuget/packages}/microsoft.netcore.app.runtime.linux-x64" -maxdepth 1 -name "$(runtime_version)" 2>/dev/null || true)
    for text in LICENSE THIRD-PARTY-NOTICES; do
        [[ -f $runtime/$text.TXT ]] || die "the licence texts of .NET $(runtime_version) are not with its package: $runtime/$text.TXT"
        install -m 644 "$runtime/$text.TXT" "$prefix/share/doc/contingious/$text.dotnet"
    done
}
# The one that the SDK brings, for which it compiles.
runtime_version() { dotnet --list-runtimes | sed -n 's/^Microsoft\.NETCore\.App \(10\.[^ ]*\) .*/\1/p' | sort -V | tail -n 1; }

# settle ROOT: owners are given by the archivers; modes and times here.
settle() {
    chmod -R u=rwX,go=rX "$1"
    find "$1" -path '*/lib/contingious/*' -type f \( -name '*.dll' -o -name '*.so' -o -name '*.json' \) -exec chmod 644 {} +
    find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

make_deb() {
    local root=$CACHE/deb
    stage "$root" /usr
    local contingious=$PROGRAM/contingious kind
    install -d "$root"/usr/lib/{systemd/system,systemd/user,sysusers.d,tmpfiles.d} "$root/etc/contingious" "$root/DEBIAN"
    "$contingious" setup --print-unit service >"$root/usr/lib/systemd/system/contingious.service"
    "$contingious" setup --print-unit user >"$root/usr/lib/systemd/user/contingious.service"
    for kind in sysusers tmpfiles; do "$contingious" setup --print-unit $kind >"$root/usr/lib/$kind.d/contingious.conf"; done
    cp "$PARTS/config.json" "$root/etc/contingious/config.json"
    echo /etc/contingious/config.json >"$root/DEBIAN/conffiles"
    changelog | gzip -9n >"$root/usr/share/doc/contingious/changelog.gz"
    install -D -m 644 "$PARTS/lintian-overrides" "$root/usr/share/lintian/overrides/contingious"

    sed -e "s/@VERSION@/$VERSION/" -e "s/@MAINTAINER@/$(maintainer)/" -e "s/@SIZE@/$(installed_size "$root")/" "$PARTS/control" >"$root/DEBIAN/control"
    (cd "$root" && find . -path ./DEBIAN -prune -o -type f -print0 | sort -z | xargs -0 md5sum | sed 's|  \./|  |') >"$root/DEBIAN/md5sums"
    install -m 755 "$PARTS"/{postinst,prerm,postrm} "$root/DEBIAN/"
    settle "$root"
    chmod 755 "$root"/DEBIAN/{postinst,prerm,postrm}
    dpkg-deb --root-owner-group -Zzstd -z12 --build "$root" "$CACHE/$DEB" >/dev/null
    rm -rf "$root"
}
# In KiB, as dpkg-gencontrol counts them: files rounded up, and one for whatever else there is. What a directory takes is its file system's affair.
installed_size() { find "$1" -mindepth 1 -path "$1/DEBIAN" -prune -o -printf '%y %s\n' | awk '{ sum += $1 == "f" ? int(($2 + 1023) / 1024) : 1 } END { print sum }'; }
maintainer() { printf '%s' "${CONTINGIOUS_MAINTAINER:-Contingious maintainers <contingious@localhost>}"; }
changelog() {
    printf 'contingious (%s) unstable; urgency=medium\n\n  * Version %s.\n\n -- %s  %s\n' "$VERSION" "$VERSION" "$(maintainer)" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")"
}

make_archive() {
    local root=$CACHE/archive top=contingious-$VERSION
    stage "$root/$top" ""
    local contingious=$PROGRAM/contingious kind
    install -d "$root/$top/share/contingious/systemd"
    for kind in service user; do "$contingious" setup --print-unit $kind >"$root/$top/share/contingious/systemd/contingious.$kind"; done
    cp "$PARTS/config.json" "$root/$top/share/contingious/config.json"
    sed "s/@VERSION@/$VERSION/" "$PARTS/INSTALL.md" >"$root/$top/INSTALL.md"
    settle "$root"
    tar -C "$root" --sort=name --owner=0 --group=0 --numeric-owner --format=gnu -cf - "$top" | zstd -q -12 -f -o "$CACHE/$ARCHIVE"
    rm -rf "$root"
}

make_package() {
    local stamp
    stamp=$(package_stamp)
    if [[ -f $CACHE/$DEB && -f $CACHE/$ARCHIVE && $(cat "$CACHE/.stamp" 2>/dev/null) == "$stamp" ]]; then
        note "the package $VERSION is up to date"
        return
    fi
    mkdir -p "$CACHE"
    rm -f "$CACHE/.stamp"
    publish
    note "packing"
    make_deb
    make_archive
    echo "$stamp" >"$CACHE/.stamp"
}

use_dotnet
with_build_lock make_package
mkdir -p "$OUT"
cp -f "$CACHE/$DEB" "$CACHE/$ARCHIVE" "$OUT/"
printf '%s\n' "$OUT/$DEB" "$OUT/$ARCHIVE"
