# expect: NonZeroExit exit=255
exit 255
