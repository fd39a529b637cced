# expect: DiskLimit exit=1 flags=DiskFull
# limits: disk=4m file=1g
# says: stderr contains "No space left on device"
with open("big", "wb", buffering=0) as big:
    for _ in range(1000):
        written = big.write(bytes(65536))
        if written < 65536:
            big.write(bytes(4096))
