# expect: Ok
# stdin: "3 4\n5\n"
# says: stdout is "12\n"
import sys
print(sum(int(word) for word in sys.stdin.read().split()))
