#!/bin/bash
# The quickstart works for an ordinary user who has sudo, in a checkout of their own. Only where root runs the tests.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

skip() { echo "$1" && exit 77; }
# What a host lacks fails where CI is set.
lacks() { if [[ ${CI:-} ]]; then echo "$1" && exit 1; else skip "$1"; fi; }

((EUID == 0)) || skip "only root can make a user to try it as"
command -v sudo >/dev/null || lacks "sudo is not installed"

user=ctgcheck$$
home=/tmp/contingious-home-$user
sudoers=/etc/sudoers.d/$user

as_user() {
    runuser -u "$user" -- env -i HOME="$home" USER="$user" PATH="$PATH" LANG=C.UTF-8 TERM=dumb ${CI:+CI="$CI"} "$@"
}

clean_up() {
    local code=$?
    trap - EXIT
    as_user "$home/checkout/eng/contingious" keeper stop || true
    "$home/checkout/artifacts/contingious/contingious" setup --undo --account "$user" || code=1
    for _ in {1..50}; do
        pgrep -u "$user" >/dev/null || break
        sleep 0.1
    done
    if pgrep -u "$user" -a; then
        echo "these processes of $user were left running"
        code=1
        pkill -KILL -u "$user" || true
        sleep 0.5
    fi
    userdel "$user" || code=1
    rm -rf "$sudoers" "$home"
    exit "$code"
}

useradd --home-dir "$home" --create-home --shell /bin/bash "$user"
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
echo "$user ALL=(ALL) NOPASSWD: ALL" >"$sudoers"
chmod 440 "$sudoers"

as_user test -x "$(readlink -f "$(command -v dotnet)")" || skip "other accounts cannot reach this .NET SDK"

# With what was built: building is tried elsewhere.
mkdir "$home/checkout"
tar --exclude=./.git --exclude=./artifacts/obj --exclude=./artifacts/.lock -cf - . | tar -C "$home/checkout" -xf -
chown -R "$user:" "$home/checkout"

as_user "$home/checkout/eng/quickstart.sh"
as_user "$home/checkout/eng/quickstart.sh"
