# expect: MemoryLimit flags=OomKilled
# limits: memory=32m
awk 'BEGIN { s = "x"; while (1) s = s s }'
exit 0
