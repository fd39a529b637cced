# expect: NonZeroExit exit=137
import sys
sys.exit(137)
