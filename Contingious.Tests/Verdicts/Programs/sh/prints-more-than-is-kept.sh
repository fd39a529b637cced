# Cut, and not too much to be an offence.
# expect: Ok flags=StdoutTruncated
# limits: stdout=4k output=4m
# measured: StdoutBytes=20000
head -c 20000 /dev/zero
