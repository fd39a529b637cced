# expect: NonZeroExit exit=4
trap 'exit 4' EXIT
exit 0
