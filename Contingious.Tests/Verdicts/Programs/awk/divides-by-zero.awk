# expect: NonZeroExit exit=1
# says: stderr contains "ivision by zero"
BEGIN { zero = 0; print 1 / zero }
