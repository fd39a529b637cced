# expect: NonZeroExit exit=1
# says: stderr contains "EOFError"
input()
