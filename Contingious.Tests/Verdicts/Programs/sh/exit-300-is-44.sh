# expect: NonZeroExit exit=44
exit 300
