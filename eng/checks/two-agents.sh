#!/bin/bash
# Two agents on one queue, of two accounts, one killed: no job without its result, no second one that differs. Only where root runs the tests.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
# shellcheck source=eng/lib.sh
. eng/lib.sh

((EUID == 0)) || { echo "only root can make a second account" && exit 77; }
use_dotnet
choose_tree
second=ctgsecond$$
cli=$TREE/artifacts/contingious/contingious

remove_account() {
    CONTINGIOUS_ACCOUNT=$second "$cli" keeper stop || true
    "$cli" setup --undo --account "$second"
    userdel "$second"
}
useradd --system --shell /usr/sbin/nologin "$second"
at_exit remove_account
"$cli" setup --account "$second"
export CONTINGIOUS_IMAGES=$TREE/images CONTINGIOUS_CLI=$cli
CONTINGIOUS_ACCOUNT=$second "$cli" import alpine-hello-world

CONTINGIOUS_SECOND_ACCOUNT=$second "$CHECKOUT/$TEST_PROGRAM" --no-ansi --no-progress --filter-class Contingious.Tests.Integration.Delivery.TwoAgentsTests
