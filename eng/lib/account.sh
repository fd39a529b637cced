# shellcheck shell=bash
# The account that everything runs as: the service account where root calls, the caller's own otherwise.

STAGED=/usr/local/lib/contingious
# What running and testing need; the rest of a closed checkout stays closed.
STAGED_PATHS=(artifacts/contingious artifacts/bin/Contingious.Tests artifacts/bin/Contingious.Benchmarks eng images examples docs Contingious.sln)

account() {
    if is_root; then echo "${CONTINGIOUS_ACCOUNT:-contingious}"; else id -un; fi
}

# Runs a command as that account, with nothing of root's left. Where setup has still to make it, nobody stands in.
as_account() {
    if is_root; then
        local name
        name=$(account)
        id "$name" >/dev/null 2>&1 || name=nobody
        setpriv --reuid="$name" --regid="$(id -g "$name")" --init-groups -- "$@"
    else
        "$@"
    fi
}

# contingious setup, from the tree that a service would start: once, and again where the doctor finds something missing. Root may do it each time: it is idempotent.
set_up_account() {
    if is_root; then
        "$CONTINGIOUS" setup --account "$(account)"
    elif "$CONTINGIOUS" doctor >/dev/null 2>&1; then
        note "the account $(account) is set up"
    else
        note "setting up the account $(account), by sudo"
        as_root env DOTNET_ROOT="$DOTNET_ROOT" "$CONTINGIOUS" setup --account "$(account)"
    fi
}

# account_reads PATH…: the account can read all of it. (find ends well where it may not even look: hence the output.)
account_reads() {
    local unread
    # From the root: find(1) complains of a working directory that is closed to it.
    unread=$(cd / && as_account find "$@" ! -readable -print -quit 2>&1) && [[ -z $unread ]]
}

# Sets TREE and what depends on it. A checkout below /root (mode 0700) is out of the service account's reach: a copy serves.
choose_tree() {
    TREE=$CHECKOUT
    if is_root; then
        account_reads "$DOTNET_ROOT/host" || stage_dotnet
        account_reads "$CHECKOUT/artifacts/contingious" "$CHECKOUT/images" "$CHECKOUT/examples" || stage_checkout
    fi
    export CONTINGIOUS_IMAGES=${CONTINGIOUS_IMAGES:-$TREE/images}
    CONTINGIOUS=$TREE/artifacts/contingious/contingious
}

stage_checkout() {
    TREE=$STAGED/checkout
    local stamp
    stamp=$(cd "$CHECKOUT" && find "${STAGED_PATHS[@]}" -type f -printf '%p %T@\n' 2>/dev/null | LC_ALL=C sort | sha256sum) || true
    stamp+=" $CHECKOUT"
    [[ $(cat "$TREE/.stamp" 2>/dev/null) != "$stamp" ]] || return 0
    note "the account $(account) cannot read $CHECKOUT: it runs from a copy, $TREE"
    replace_directory "$TREE" copy_checkout "$stamp"
}

copy_checkout() {
    local path paths=()
    for path in "${STAGED_PATHS[@]}"; do
        [[ ! -e $CHECKOUT/$path ]] || paths+=("$path")
    done
    tar -C "$CHECKOUT" -cf - "${paths[@]}" | tar -C "$1" --no-same-owner -xf -
    echo "$2" >"$1/.stamp"
}

stage_dotnet() {
    local version=$STAGED/dotnet
    if [[ $(cat "$version/.stamp" 2>/dev/null) != "$DOTNET_ROOT $(ls "$DOTNET_ROOT/shared/Microsoft.AspNetCore.App")" ]]; then
        note "the account $(account) cannot read $DOTNET_ROOT: it uses a copy of the runtime, $version"
        replace_directory "$version" copy_runtime
    fi
    export DOTNET_ROOT=$version
}

copy_runtime() {
    mkdir "$1/shared"
    cp -R "$DOTNET_ROOT/host" "$1/"
    cp -R "$DOTNET_ROOT/shared/Microsoft.NETCore.App" "$DOTNET_ROOT/shared/Microsoft.AspNetCore.App" "$1/shared/"
    echo "$DOTNET_ROOT $(ls "$DOTNET_ROOT/shared/Microsoft.AspNetCore.App")" >"$1/.stamp"
}

# replace_directory DIR CMD…: has CMD fill a new directory, readable by everybody, then puts it in the place of DIR.
replace_directory() {
    local directory=$1 new=$1.new
    shift
    rm -rf "$new" "$directory.old"
    (umask 022 && mkdir -p "$new")
    "$1" "$new" "${@:2}"
    chmod -R u=rwX,go=rX "$new"
    [[ ! -e $directory ]] || mv "$directory" "$directory.old"
    mv "$new" "$directory"
    rm -rf "$directory.old"
}
