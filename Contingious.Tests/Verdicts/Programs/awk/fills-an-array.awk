# expect: MemoryLimit flags=OomKilled
# limits: memory=32m cpu=30s wall=120s
BEGIN { while (1) a[i++] = "some text that takes room" i }
