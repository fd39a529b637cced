# The kernel says ENOEXEC; only a shell would try it as a script.
# expect: NonZeroExit exit=126
# run: ./no-shebang.sh
# sent: executable
# says: field is "steps[0].args[0]"
exit 3
