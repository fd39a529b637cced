# expect: Ok
# says: stdout is "bye\n"
trap 'echo bye; exit 0' TERM
kill -TERM $$
sleep 60
