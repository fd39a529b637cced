# expect: NonZeroExit exit=1
# says: stderr contains "FileNotFoundError"
# says: field is ""
import subprocess
subprocess.run(["no-such-command"], check=True)
