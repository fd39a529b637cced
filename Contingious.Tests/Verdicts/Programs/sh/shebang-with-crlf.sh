#!/bin/sh
# An editor of another system: the interpreter's name ends in a carriage return.
# expect: NonZeroExit exit=127
# run: ./shebang-with-crlf.sh
# sent: executable crlf
# says: field is "steps[0].args[0]"
exit 3
