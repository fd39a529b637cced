# expect: NonZeroExit exit=1
# says: stdout is "before\n"
set -e
echo before
false
echo after
