# expect: Ok
# says: stdout is ""
:
