# expect: NonZeroExit exit=1
# says: stderr contains "Read-only file system"
echo x >/usr/x
