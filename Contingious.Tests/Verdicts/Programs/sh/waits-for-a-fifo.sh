# expect: WallTimeLimit flags=Idle
# limits: cpu=10s wall=1s
mkfifo fifo
cat fifo
