# The kernel's limit gives no MemoryError to catch.
# expect: MemoryLimit flags=OomKilled
# limits: memory=48m
kept = []
try:
    while True:
        kept.append(bytearray(b"x" * 100_000))
except MemoryError:
    print("caught")
