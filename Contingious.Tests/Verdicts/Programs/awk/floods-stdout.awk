# expect: OutputLimit flags=StdoutTruncated
# limits: cpu=30s wall=120s stdout=16k output=2m
BEGIN { while (1) print "again" }
