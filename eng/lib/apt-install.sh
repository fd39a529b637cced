#!/bin/bash
# Installs Debian packages without starting the services that come with them. Run as root.
# usage: apt-install.sh PACKAGE…
#
# A system-wide message broker on every interface is not what somebody who tries a demo asked for. Debian asks
# /usr/sbin/policy-rc.d before it starts a service (invoke-rc.d(8), also under systemd); ours says no for the
# services below while we install, asks the one that was there about everything else, and is removed again.
set -euo pipefail

POLICY=/usr/sbin/policy-rc.d
ASIDE=$POLICY.before-contingious

log=$(mktemp /tmp/contingious-apt.XXXXXX)
finish() {
    local code=$?
    if [[ ${held:-} ]]; then
        rm -f "$POLICY"
        [[ ! -e $ASIDE ]] || mv "$ASIDE" "$POLICY"
    fi
    ((code == 0)) || {
        tail -n 20 "$log" >&2
        echo "apt-install.sh: apt-get failed (above are its last lines). Mend that, or install by hand: apt-get install $*" >&2
    }
    rm -f "$log"
    exit "$code"
}
trap 'finish "$@"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

hold_services() {
    # An earlier run that was killed leaves the original aside.
    [[ -e $ASIDE || ! -e $POLICY ]] || mv "$POLICY" "$ASIDE"
    held=yes
    cat >"$POLICY" <<EOF
#!/bin/sh
for word; do
    case "\$word" in rabbitmq-server*|epmd*) exit 101 ;; esac
done
[ ! -x $ASIDE ] || exec $ASIDE "\$@"
exit 0
EOF
    chmod 755 "$POLICY"
}

new_broker=
if [[ " $* " == *" rabbitmq-server "* ]] && ! dpkg-query -W rabbitmq-server >/dev/null 2>&1; then
    new_broker=yes
    hold_services
fi

export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -q -o DPkg::Lock::Timeout=120)
# One source of many that cannot be reached need not matter: whether the install works tells.
"${apt[@]}" update >>"$log" 2>&1 || true
"${apt[@]}" install -y --no-install-recommends "$@" >>"$log" 2>&1

if [[ $new_broker ]]; then
    # Nor at the next boot.
    update-rc.d rabbitmq-server disable >>"$log" 2>&1 || true
    echo "    rabbitmq-server is installed, and neither started nor enabled. Should you want it as a service:"
    echo "    systemctl enable --now rabbitmq-server"
fi
