# expect: Signalled signal=9
(kill -KILL $$)
sleep 60
