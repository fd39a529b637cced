# expect: DiskLimit exit=7 flags=DiskFull
# limits: disk=4m file=1g
cat /dev/zero >big || exit 7
