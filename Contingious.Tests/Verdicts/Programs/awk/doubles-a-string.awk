# expect: MemoryLimit flags=OomKilled
# limits: memory=32m
BEGIN { s = "x"; while (1) s = s s }
