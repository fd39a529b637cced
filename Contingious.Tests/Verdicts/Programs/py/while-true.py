# expect: CpuTimeLimit
# limits: cpu=500ms wall=30s
while True:
    pass
