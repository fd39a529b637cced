#!/bin/bash
# The package has what users need, its pages and completions can be read, and its program runs from where it is unpacked, without .NET on the host.
set -euo pipefail
# shellcheck source=eng/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../lib.sh"

for program in dpkg-deb zstd; do
    command -v "$program" >/dev/null || {
        echo "$program is not installed"
        exit 77
    }
done
make_work_directory package
mapfile -t made < <("$CHECKOUT/eng/package.sh" --out "$WORK" | tail -n 2)
deb=${made[0]} archive=${made[1]}
root=$WORK/root
dpkg-deb -x "$deb" "$root"
dpkg-deb -e "$deb" "$WORK/control"

has() { [[ -e $root$1 || -L $root$1 ]] || die "the package lacks $1"; }
lacks() { ! compgen -G "$root$1" >/dev/null || die "the package has $1"; }
for path in /usr/bin/contingious /usr/lib/contingious/{contingious,contingious-init} \
    /usr/lib/systemd/{system,user}/contingious.service /usr/lib/sysusers.d/contingious.conf /usr/lib/tmpfiles.d/contingious.conf \
    /usr/share/contingious/images/alpine-hello-world/image.json /usr/share/man/man1/contingious{,-run,-image-ls}.1.gz /usr/share/man/man5/contingious.conf.5.gz \
    /usr/share/{bash-completion/completions/contingious,zsh/vendor-completions/_contingious,fish/vendor_completions.d/contingious.fish} \
    /usr/share/doc/contingious/{copyright,changelog.gz,docs/operating.md,examples/submit.py} /etc/contingious/config.json; do
    has "$path"
done
lacks '/usr/lib/contingious/*.pdb'
lacks '/usr/lib/contingious/*.dbg'
lacks /usr/lib/contingious/libcoreclrtraceptprovider.so
lacks /usr/share/man/man1/contingious-runner.1.gz
[[ $(readlink "$root/usr/bin/contingious") == ../lib/contingious/contingious ]] || die "/usr/bin/contingious links elsewhere"
[[ -x $root/usr/lib/contingious/contingious-init ]] || die "the containers' init cannot be executed"
[[ $(cat "$WORK/control/conffiles") == /etc/contingious/config.json ]] || die "the configuration is no conffile"
[[ -z $(dpkg-deb --fsys-tarfile "$deb" | tar -tvf - | awk '$2 != "root/root"') ]] || die "not all of it is root's"
(cd "$root" && md5sum --quiet -c "$WORK/control/md5sums") || die "md5sums says otherwise"

# Without a runtime of the host's.
run() { env -i PATH=/usr/bin:/bin HOME="$WORK" "$root/usr/bin/contingious" "$@"; }
version=$(dpkg-deb -f "$deb" Version)
[[ $(run --version) == "$version" ]] || die "the program says that it is $(run --version), the package that it is $version"
for kind in service user; do
    [[ $(run setup --print-unit "$kind") == "$(cat "$root/usr/lib/systemd/${kind/service/system}/contingious.service")" ]] || die "the unit $kind is another one"
done
grep -qx 'ExecStart=/usr/bin/contingious agent' "$root/usr/lib/systemd/system/contingious.service" || die "the service starts something else"

if command -v man >/dev/null; then
    for page in "$root"/usr/share/man/man*/*; do
        said=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
        [[ -z $said ]] || die "${page##*/}: $said"
    done
fi
bash -n "$root/usr/share/bash-completion/completions/contingious"
shellcheck "$root/usr/share/bash-completion/completions/contingious"
for script in postinst prerm postrm; do
    [[ -x $WORK/control/$script ]] || die "$script cannot be executed"
    shellcheck -s sh "$WORK/control/$script"
done

top=contingious-$version
mkdir "$WORK/archive"
tar --zstd -C "$WORK/archive" -xf "$archive"
for path in INSTALL.md bin/contingious lib/contingious/contingious-init share/contingious/{config.json,images/alpine-hello-world/image.json,systemd/contingious.service} share/man/man1/contingious.1.gz; do
    [[ -e $WORK/archive/$top/$path ]] || die "the archive lacks $path"
done
[[ $("$WORK/archive/$top/bin/contingious" --version) == "$version" ]] || die "the archive has another version"
