# expect: NonZeroExit exit=127
# run: no-such-command
# says: field is "steps[0].args[0]"
# says: message contains "no-such-command"
# says: stderr is ""
