# expect: WallTimeLimit flags=Idle
# limits: cpu=10s wall=1s
sleep 60
