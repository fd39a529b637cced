# expect: NonZeroExit exit=1
# says: stderr contains "ZeroDivisionError: division by zero"
print(1 / 0)
