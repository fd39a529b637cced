#!/bin/bash
# The scripts pass shellcheck.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

shellcheck -x .ci/run eng/contingious eng/*.sh eng/lib/*.sh eng/checks/*.sh eng/vm/*.sh eng/vm/scenarios/*.sh
shellcheck -s sh -S warning examples/*/*.sh examples/*/submissions/*.sh
