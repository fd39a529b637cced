# The shell ran and its own command was missing.
# expect: NonZeroExit exit=127
# says: field is ""
# says: stderr contains "not found"
no-such-command
