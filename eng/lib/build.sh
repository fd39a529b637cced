# shellcheck shell=bash
# Building from a checkout. A build that is up to date takes no time: what it was made of is kept beside it.

# A script that ends should leave no compiler or build server behind.
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false

ARTIFACTS=$CHECKOUT/artifacts
TEST_PROGRAM=artifacts/bin/Contingious.Tests/release_linux-x64/Contingious.Tests

# Finds a .NET SDK that global.json accepts, and says where the runtime is for programs started without PATH.
use_dotnet() {
    local dotnet
    for dotnet in "$(command -v dotnet || true)" "${DOTNET_ROOT:-}/dotnet" "$HOME/.dotnet/dotnet" /usr/share/dotnet/dotnet /usr/lib/dotnet/dotnet; do
        [[ -x $dotnet ]] || continue
        "$dotnet" --list-sdks 2>/dev/null | grep -q '^10\.' || continue
        DOTNET_ROOT=$(dirname "$(readlink -f "$dotnet")")
        export DOTNET_ROOT PATH="$DOTNET_ROOT:$PATH"
        return
    done
    die "the .NET 10 SDK is not installed. Either add Microsoft's package feed (https://learn.microsoft.com/dotnet/core/install/linux-debian)
and run: apt-get install dotnet-sdk-10.0
or, for this account alone: curl -sSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0"
}

# Name and content of every source: a file removed counts as a change, a copy of the checkout does not.
source_stamp() {
    (cd "$CHECKOUT" &&
        find Contingious.* eng/build-init.sh eng/lib/build.sh Directory.* global.json .editorconfig BannedSymbols.txt \( -name bin -o -name obj -o -path Contingious.Benchmarks/results \) -prune -o \
            -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
}

is_built() { [[ -x $1 && $(cat "$2" 2>/dev/null) == "$(source_stamp)" ]]; }

# run_dotnet ARGS…: quiet unless it fails.
run_dotnet() {
    local log=$ARTIFACTS/dotnet.log
    if ! dotnet "$@" >"$log" 2>&1; then
        grep -E 'error|warn' "$log" | sort -u | head -n 40 >&2 || tail -n 40 "$log" >&2
        die "dotnet $1 failed; all it said is in $log"
    fi
}

# with_build_lock CMD…: two scripts at once in one checkout wait for each other.
with_build_lock() {
    mkdir -p "$ARTIFACTS" 2>/dev/null || true
    [[ -w $ARTIFACTS ]] ||
        die "$ARTIFACTS cannot be written by $(id -un); it belongs to $(stat -c %U "$ARTIFACTS" 2>/dev/null || echo somebody else). Remove it, or build in a clone of your own."
    local lock
    exec {lock}>"$ARTIFACTS/.lock"
    flock "$lock"
    "$@"
    exec {lock}>&-
}

build_command() {
    if command_is_built; then
        note "artifacts/contingious is up to date"
    else
        with_build_lock build_command_locked
    fi
}
command_is_built() { is_built "$ARTIFACTS/contingious/contingious" "$ARTIFACTS/.contingious.stamp"; }
build_command_locked() {
    # Another script may have built it while this one waited.
    ! command_is_built || return 0
    local stamp new=$ARTIFACTS/contingious.new
    stamp=$(source_stamp)
    note "building artifacts/contingious (some minutes the first time)"
    rm -rf "$new" "$new.old"
    run_dotnet restore "$CHECKOUT/Contingious.sln"
    publish_program "$new" "$ARTIFACTS/native"
    # A program that runs keeps the files it has; written over in place it would crash.
    [[ ! -e $ARTIFACTS/contingious ]] || mv "$ARTIFACTS/contingious" "$new.old"
    mv "$new" "$ARTIFACTS/contingious"
    rm -rf "$new.old"
    echo "$stamp" >"$ARTIFACTS/.contingious.stamp"
}

# publish_program DIR OBJECTS OPTION…: the program, compiled to native code; where the registry has no compiler for that, with its libraries.
publish_program() {
    local to=$1 objects=$2
    shift 2
    local native=(-p:Native=true -p:ArtifactsPath="$objects")
    if dotnet restore "$CHECKOUT/Contingious.Agent" "${native[@]}" >"$ARTIFACTS/dotnet.log" 2>&1; then
        run_dotnet publish "$CHECKOUT/Contingious.Agent" -c Release --no-restore -o "$to" "${native[@]}" -p:RunAnalyzers=false "$@"
        rm -f "$to"/*.dbg "$to"/*.pdb
    else
        grep -E 'error' "$ARTIFACTS/dotnet.log" | sort -u | head -n 3 >&2
        note "the compiler to native code cannot be had: the program gets its libraries, and starts slower"
        run_dotnet publish "$CHECKOUT/Contingious.Agent" -c Release -o "$to" -p:ArtifactsPath="$objects-libraries" -p:RunAnalyzers=false "$@"
    fi
}

build_tests() {
    if tests_are_built; then
        note "the tests are up to date"
    else
        with_build_lock build_tests_locked
    fi
}
tests_are_built() { is_built "$CHECKOUT/$TEST_PROGRAM" "$ARTIFACTS/.tests.stamp"; }
build_tests_locked() {
    ! tests_are_built || return 0
    local stamp
    stamp=$(source_stamp)
    note "building the tests"
    run_dotnet restore "$CHECKOUT/Contingious.sln"
    run_dotnet build "$CHECKOUT/Contingious.sln" -c Release --no-restore
    echo "$stamp" >"$ARTIFACTS/.tests.stamp"
}
