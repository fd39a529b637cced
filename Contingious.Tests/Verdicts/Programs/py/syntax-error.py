# expect: NonZeroExit exit=1
# says: stderr contains "SyntaxError"
print("
