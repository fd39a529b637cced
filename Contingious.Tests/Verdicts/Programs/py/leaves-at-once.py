# What is still in its buffer is lost.
# expect: NonZeroExit exit=3
# says: stdout is ""
import os
print("never written")
os._exit(3)
