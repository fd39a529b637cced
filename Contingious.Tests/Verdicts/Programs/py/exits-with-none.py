# expect: Ok
import sys
sys.exit(None)
