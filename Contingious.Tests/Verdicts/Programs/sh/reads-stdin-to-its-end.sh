# expect: Ok
# stdin: 4m of "x"
# says: stdout is "4194304\n"
wc -c
