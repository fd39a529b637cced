# expect: MemoryLimit flags=OomKilled
# limits: memory=48m
import os
child = os.fork()
if child == 0:
    kept = [bytearray(b"x" * 1_000_000) for _ in range(1000)]
    os._exit(0)
os.waitpid(child, 0)
print("all is well")
