# expect: NonZeroExit exit=1
# says: stderr contains "UnicodeEncodeError"
print("\ud800")
