# expect: NonZeroExit exit=127
# says: field is ""
exit 127
