# expect: NonZeroExit exit=1
read -r line
