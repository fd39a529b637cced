# expect: Ok
# limits: disk=8m
# measured: DiskUsedBytes>=4m
head -c 4194304 /dev/zero >some
