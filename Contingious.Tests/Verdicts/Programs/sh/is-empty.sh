# expect: Ok
# says: stdout is ""
# says: stderr is ""
