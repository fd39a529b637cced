#!/bin/sh
# expect: NonZeroExit exit=3
# run: ./runs-by-its-shebang.sh
# sent: executable
exit 3
