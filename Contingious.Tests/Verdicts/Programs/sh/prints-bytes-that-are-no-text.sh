# expect: Ok
# says: stdout is "\xff\xfe\x00\xc0\x80\x00"
printf '\377\376\000\300\200\000'
