# expect: Ok
# stdin: "1\n2\n39\n"
# says: stdout is "42\n"
{ sum += $1 }
END { print sum }
