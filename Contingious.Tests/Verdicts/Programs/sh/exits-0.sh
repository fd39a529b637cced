# expect: Ok
exit 0
