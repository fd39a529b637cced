#!/bin/bash
# Two agents on one queue, of two accounts, one killed: no job without its result, no second one that differs. Only where root runs the tests.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
# shellcheck source=eng/lib.sh
. eng/lib.sh

((EUID == 0)) || { echo "only root can make a second account" && exit 77; }
use_dotnet
choose_tree
account=ctgsecond$$
cli=$TREE/artifacts/contingious/contingious

remove_account() {
    CONTINGIOUS_ACCOUNT=$account "$cli" keeper stop || true
    "$cli" setup --undo --account "$account"
    userdel "$account"
}
useradd --system --shell /usr/sbin/nologin "$account"
at_exit remove_account
"$cli" setup --account "$account"
export CONTINGIOUS_IMAGES=$TREE/images CONTINGIOUS_CLI=$cli
CONTINGIOUS_ACCOUNT=$account "$cli" import alpine-hello-world

CONTINGIOUS_SECOND_ACCOUNT=$account "$CHECKOUT/$TEST_PROGRAM" --no-ansi --no-progress --filter-class Contingious.Tests.Integration.Delivery.TwoAgentsTests
