# yes dies of SIGPIPE, and the pipe is fine.
# expect: Ok
# says: stdout is "y\n"
yes | head -n 1
