#!/bin/bash
# The command line answers somebody who does not know it yet.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

# expect CODES PATTERN ARGS…: the exit code is one of CODES (a glob) and the output, on either stream, has PATTERN.
expect() {
    local codes=$1 pattern=$2 output code=0
    shift 2
    output=$(eng/contingious "$@" 2>&1) || code=$?
    # shellcheck disable=SC2053  # a pattern on purpose
    if [[ $code != $codes ]] || ! grep -Eq -- "$pattern" <<<"$output"; then
        printf 'contingious %s: exit code %s (expected %s), expected /%s/ in:\n%s\n' "$*" "$code" "$codes" "$pattern" "$output"
        exit 1
    fi
}

expect 0 'run' --help
expect 0 '^[0-9]+\.[0-9]+\.[0-9]+' --version
expect '[1-9]*' 'no-such-verb' no-such-verb
expect '[1-9]*' 'no-such-option' run --no-such-option
expect '[1-9]*' 'import' run no-such-image
expect 0 'alpine-hello-world' images
expect 3 '' run alpine-hello-world -- sh -c 'exit 3'
