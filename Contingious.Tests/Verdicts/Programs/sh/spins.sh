# expect: CpuTimeLimit
# limits: cpu=300ms wall=30s
while :; do :; done
