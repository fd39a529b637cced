# expect: DiskLimit exit=1 flags=DiskFull
# limits: disk=4m file=1g
cat /dev/zero >big
