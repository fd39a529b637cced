# expect: NonZeroExit exit=3
# limits: cpu=10s wall=60s
# measured: WallTime<20s
(setsid sh -c 'trap "" TERM HUP; sleep 1000' &)
exit 3
