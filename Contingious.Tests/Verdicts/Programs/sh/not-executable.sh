# expect: NonZeroExit exit=126
# run: ./not-executable.sh
# sent: plain
# says: field is "steps[0].args[0]"
exit 3
