# expect: NonZeroExit exit=1
# says: stderr contains "RecursionError"
def deeper():
    return deeper()
deeper()
