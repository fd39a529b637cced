# expect: Ok
# stdin: "first\nsecond\n"
# says: stdout is "first\n"
read -r line && echo "$line"
