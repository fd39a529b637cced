# Refused at once: nothing was used, nothing was killed.
# expect: NonZeroExit exit=1
# says: stderr contains "MemoryError"
# measured: OomKills=0
bytearray(1 << 62)
