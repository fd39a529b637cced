# expect: NonZeroExit exit=5
# stdin: "a\nb\n"
{ n++ }
END { exit n + 3 }
