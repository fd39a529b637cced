# expect: NonZeroExit exit=1
# says: stderr contains "can't create /usr/x"
echo x >/usr/x
