# expect: Ok
# says: stdout is ""
# says: stderr is "only here\n"
echo 'only here' >&2
