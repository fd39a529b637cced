# expect: CpuTimeLimit
# limits: cpu=300ms wall=30s
BEGIN { while (1) i++ }
