# expect: NonZeroExit exit=1
# says: stderr is "wrong answer\n"
import sys
sys.exit("wrong answer")
