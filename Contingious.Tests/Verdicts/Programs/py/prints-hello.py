# expect: Ok
# says: stdout is "hello\n"
print("hello")
