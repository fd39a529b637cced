# It ran: the job's args are not to blame.
# expect: NonZeroExit exit=126
# says: field is ""
exit 126
