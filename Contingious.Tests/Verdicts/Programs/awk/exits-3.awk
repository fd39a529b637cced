# expect: NonZeroExit exit=3
BEGIN { exit 3 }
