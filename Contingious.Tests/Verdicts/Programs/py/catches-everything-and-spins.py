# expect: CpuTimeLimit
# limits: cpu=500ms wall=30s
while True:
    try:
        int("x")
    except BaseException:
        continue
