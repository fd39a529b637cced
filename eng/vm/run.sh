#!/bin/bash
# Runs a scenario, or the next phase of one, inside the test machine, as root.
# usage: run.sh NAME PHASE
set -euo pipefail
HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=eng/vm/inside.sh
. "$HERE/inside.sh"
# shellcheck source=/dev/null
. "$HERE/scenarios/$1.sh"
phase_"$2"
