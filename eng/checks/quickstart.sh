#!/bin/bash
# With everything there, the quickstart takes seconds, shows the four verdicts, and leaves nothing running.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

ours() { pgrep -fa 'contingious-[0-9]+@localhost|contingious(\.dll)? agent|/tmp/contingious-quickstart' || true; }
before=$(ours)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

begun=$SECONDS
eng/quickstart.sh 2>&1 | tee "$log"
took=$((SECONDS - begun))

for verdict in Ok NonZeroExit CpuTimeLimit MemoryLimit; do
    grep -Eq "^    [a-z-]+ +$verdict +$verdict " "$log" || { echo "no submission got $verdict" && exit 1; }
done
[[ $(ours) == "$before" ]] || { echo "left running:" && ours && exit 1; }
# Twenty seconds on a machine that does nothing else; half a minute where other things run too.
((took < 30)) || { echo "took $took s" && exit 1; }
