#!/no/such/interpreter
# expect: NonZeroExit exit=127
# run: ./missing-interpreter.sh
# sent: executable
# says: field is "steps[0].args[0]"
exit 3
