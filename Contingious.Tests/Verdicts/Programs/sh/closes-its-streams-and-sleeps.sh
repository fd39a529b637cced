# The end of its output is not its end.
# expect: WallTimeLimit flags=Idle
# limits: cpu=10s wall=1s
exec 0<&- 1>&- 2>&-
sleep 60
