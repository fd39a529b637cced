# expect: Signalled signal=6
import os
os.abort()
