# expect: Ok
# says: stdout is "no newline"
printf 'no newline'
