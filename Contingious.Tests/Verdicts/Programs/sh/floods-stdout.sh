# expect: OutputLimit flags=StdoutTruncated
# limits: cpu=30s wall=120s stdout=64k output=4m
yes
