# expect: NonZeroExit exit=1
# says: stdout is "before\n"
echo before
exec >&-
echo after 2>/dev/null
