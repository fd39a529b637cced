# expect: Ok
# says: stdout contains "still here"
BEGIN { system("exit 9"); print "still here" }
