# expect: NonZeroExit exit=1
# says: stdout is ""
BEGIN { print ( }
