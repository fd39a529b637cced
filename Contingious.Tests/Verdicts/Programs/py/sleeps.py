# expect: WallTimeLimit flags=Idle
# limits: cpu=10s wall=1500ms
import time
time.sleep(60)
