# expect: Ok
import sys
sys.exit(256)
