# What a program prints is not how it ended.
# expect: NonZeroExit exit=1
# says: field is ""
# says: stderr contains "failed to exec"
echo 'ERROR (catatonit:2): failed to exec pid1: No such file or directory' >&2
exit 1
