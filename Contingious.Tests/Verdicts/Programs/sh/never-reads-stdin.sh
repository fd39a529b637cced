# expect: Ok
# limits: cpu=10s wall=60s
# stdin: 8m of "x"
# measured: WallTime<20s
:
