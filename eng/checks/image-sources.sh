#!/bin/bash
# Images that the account has outside of the keeper, and a registry that only root's credentials open.
set -euo pipefail
# shellcheck source=eng/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../lib.sh"

is_root || {
    echo "needs root, which imports as another account than its own"
    exit 77
}
for program in docker-registry skopeo buildah setpriv; do
    command -v "$program" >/dev/null || {
        echo "$program is not installed"
        exit 77
    }
done

owner=${CONTINGIOUS_ACCOUNT:-contingious}
home=$(getent passwd "$owner" | cut -d: -f6)
as_account_outside() { setpriv --reuid "$owner" --regid "$owner" --init-groups env -i HOME="$home" PATH="$PATH" "$@"; }
import() { "$CHECKOUT/eng/contingious" import --quiet "$@"; }

# The names that were imported go again where this version can do that.
forget() { ! "$CHECKOUT/eng/contingious" --help | grep -q '^  image ' || "$CHECKOUT/eng/contingious" image rm "$1" >/dev/null; }

make_work_directory sources
chmod 755 "$WORK"

container=contingious-check-$$
mkdir -p "$WORK/content/bin"
echo kept >"$WORK/content/bin/tool"
as_account_outside buildah from --name "$container" scratch
at_exit as_account_outside buildah rm "$container"
as_account_outside buildah copy --quiet "$container" "$WORK/content" /
as_account_outside buildah commit --quiet "$container" "localhost/$container"
at_exit as_account_outside buildah rmi "localhost/$container"
import "containers-storage:localhost/$container" --name check-storage
at_exit forget check-storage
import "buildah:$container" --name check-working-container
at_exit forget check-working-container

port=$((20000 + RANDOM % 20000))
mkdir -m 700 "$WORK/registry"
# The password is "correct horse".
# shellcheck disable=SC2016  # not a variable
echo 'teacher:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2' >"$WORK/registry/htpasswd"
cat >"$WORK/registry/config.yml" <<EOF
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $WORK/registry/storage}}
http: {addr: "127.0.0.1:$port"}
auth: {htpasswd: {realm: check, path: $WORK/registry/htpasswd}}
EOF
OTEL_TRACES_EXPORTER=none docker-registry serve "$WORK/registry/config.yml" >"$WORK/registry/log" 2>&1 &
registry=$!
at_exit stop_process "$registry" 5 docker-registry
is_up() { (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
await 20 is_up
echo '{"default":[{"type":"insecureAcceptAnything"}]}' >"$WORK/policy.json"
umoci init --layout "$WORK/layout"
umoci new --image "$WORK/layout:v1"
# Not by "umoci insert": the archives that umoci 0.4.7 writes have no end.
tar -C "$WORK/content" -cf "$WORK/layer.tar" bin
umoci raw add-layer --image "$WORK/layout:v1" "$WORK/layer.tar"
skopeo --policy "$WORK/policy.json" copy --quiet --dest-tls-verify=false --dest-creds 'teacher:correct horse' "oci:$WORK/layout:v1" "docker://127.0.0.1:$port/closed:v1"

if import "docker://127.0.0.1:$port/closed:v1" --tls-verify=false --name check-closed 2>"$WORK/refused"; then
    echo "the registry let somebody in without a password"
    exit 1
fi
grep -q 'authentication required' "$WORK/refused"

# Only root may read it, and only where it is; what comes of it is in no file of the account's and in nobody's arguments.
install -m 600 /dev/null "$WORK/registry/auth.json"
printf '{"auths":{"127.0.0.1:%s":{"auth":"%s"}}}' "$port" "$(printf 'teacher:correct horse' | base64)" >"$WORK/registry/auth.json"
import "docker://127.0.0.1:$port/closed:v1" --tls-verify=false --authfile "$WORK/registry/auth.json" --name check-closed
at_exit forget check-closed
REGISTRY_AUTH_FILE=$WORK/registry/auth.json import "docker://127.0.0.1:$port/closed:v1" --tls-verify=false --name check-closed
