#!/bin/bash
# shellcheck has nothing to say about the scripts.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

shellcheck -x .ci/run eng/contingious eng/*.sh eng/lib/*.sh eng/checks/*.sh
shellcheck -s sh examples/*/*.sh examples/*/submissions/*.sh
