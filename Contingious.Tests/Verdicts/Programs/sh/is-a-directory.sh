# expect: NonZeroExit exit=126
# run: /tmp
# says: field is "steps[0].args[0]"
