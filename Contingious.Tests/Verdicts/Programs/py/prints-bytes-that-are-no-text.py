# expect: Ok
# says: stdout is "\x80\x00\xff"
import sys
sys.stdout.buffer.write(b"\x80\x00\xff")
