# Python ignores SIGXFSZ.
# expect: NonZeroExit exit=1
# limits: file=1m
# says: stderr contains "File too large"
with open("big", "wb", buffering=0) as big:
    for _ in range(64):
        big.write(bytes(65536))
