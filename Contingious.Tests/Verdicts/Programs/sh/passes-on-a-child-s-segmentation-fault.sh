# The child died of the signal; the shell exited with a number.
# expect: NonZeroExit exit=139
sh -c 'kill -SEGV $$'
exit $?
