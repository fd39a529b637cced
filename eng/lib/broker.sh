# shellcheck shell=bash
# A message broker: the one that CONTINGIOUS_BROKER names, or a private RabbitMQ for the length of the script.
#
# The private one shares nothing with a broker of the host: node name, ports, epmd, cookie, configuration and data are its
# own, below one temporary directory; it listens on loopback only and its password is made for the occasion.

# Debian's own Python: python3-pika and python3-msgpack are not seen by another one that comes first in PATH.
PYTHON=/usr/bin/python3

start_broker() {
    if [[ ${CONTINGIOUS_BROKER:-} ]]; then
        note "using the broker of CONTINGIOUS_BROKER"
        return
    fi
    [[ ${WORK:-} ]] || make_work_directory broker
    BROKER=$WORK/broker
    local ports password
    # Two of three are asked for by name later; held open together so that they differ.
    ports=$($PYTHON -c 'import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(s.getsockname()[1] for s in held))')
    read -r AMQP_PORT DIST_PORT EPMD_PORT <<<"$ports"
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    mkdir -p "$BROKER/home"
    : >"$BROKER/env.conf"
    echo '[].' >"$BROKER/plugins"
    cat >"$BROKER/rabbitmq.conf" <<EOF
listeners.tcp.1 = 127.0.0.1:$AMQP_PORT
default_user = contingious
default_pass = $password
loopback_users.contingious = true
log.console = true
log.console.level = info
log.file = false
disk_free_limit.absolute = 50MB
EOF
    chmod 600 "$BROKER/rabbitmq.conf"
    if is_root; then
        chmod 711 "$WORK"
        chown -R rabbitmq:rabbitmq "$BROKER"
    fi
    in_broker epmd -port "$EPMD_PORT" -address 127.0.0.1 >"$WORK/epmd.log" 2>&1 &
    EPMD_PID=$!
    at_exit stop_process "$EPMD_PID" 5 "epmd"
    await 10 port_is_open "$EPMD_PORT" || die "epmd did not start: $(cat "$WORK/epmd.log")"
    in_broker /usr/lib/rabbitmq/bin/rabbitmq-server >"$WORK/rabbitmq.log" 2>&1 &
    BROKER_PID=$!
    at_exit stop_broker
    export CONTINGIOUS_BROKER="amqp://contingious:$password@127.0.0.1:$AMQP_PORT/"
}

# Replaces this (sub)shell by a program of the broker. Its own session: a Ctrl-C is for the script, which then stops it.
# RUNNING_UNDER_SYSTEMD has the start script become the broker in place of waiting for it: the process we know is the one to stop.
# -start_epmd: otherwise a node that is stopped while it starts can leave an epmd of its own behind.
in_broker() {
    local account=()
    ! is_root || account=(setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups --no-new-privs)
    cd "$BROKER" || return
    exec "${account[@]}" setsid env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME="$BROKER/home" RUNNING_UNDER_SYSTEMD=true \
        ERL_EPMD_PORT="$EPMD_PORT" ERL_EPMD_ADDRESS=127.0.0.1 ERL_ZFLAGS="-start_epmd false" \
        RABBITMQ_NODENAME="contingious-$$@localhost" RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 \
        RABBITMQ_NODE_PORT="$AMQP_PORT" RABBITMQ_DIST_PORT="$DIST_PORT" \
        RABBITMQ_MNESIA_BASE="$BROKER/mnesia" RABBITMQ_LOG_BASE="$BROKER/log" RABBITMQ_PID_FILE="$BROKER/pid" \
        RABBITMQ_CONF_ENV_FILE="$BROKER/env.conf" RABBITMQ_CONFIG_FILE="$BROKER/rabbitmq.conf" \
        RABBITMQ_ADVANCED_CONFIG_FILE="$BROKER/advanced.config" RABBITMQ_ENABLED_PLUGINS_FILE="$BROKER/plugins" \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}' \
        "$@"
}

# A node that is still starting does not heed SIGTERM; nothing it has is worth waiting for.
stop_broker() {
    kill -TERM "$BROKER_PID" 2>/dev/null || true
    await 4 is_gone "$BROKER_PID" || kill -KILL "$BROKER_PID" 2>/dev/null || true
    wait "$BROKER_PID" 2>/dev/null || true
}

# Waits until the broker answers. The port opens as the last step of the node's start.
await_broker() {
    if [[ ${BROKER_PID:-} ]]; then
        if ! await 90 broker_listens_or_died || is_gone "$BROKER_PID"; then
            tail -n 20 "$WORK/rabbitmq.log" >&2
            die "the private RabbitMQ did not start (above are its last lines). To use another broker: CONTINGIOUS_BROKER=amqp://user:password@host:5672/"
        fi
    fi
    $PYTHON - <<'EOF' || die "cannot reach the broker. Is the address in CONTINGIOUS_BROKER right, and the broker running?"
import os, sys, pika
try:
    pika.BlockingConnection(pika.URLParameters(os.environ["CONTINGIOUS_BROKER"])).close()
except Exception as error:
    sys.exit(f"broker: {error!r}")
EOF
}

broker_listens_or_died() { is_gone "$BROKER_PID" || port_is_open "$AMQP_PORT"; }
port_is_open() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
