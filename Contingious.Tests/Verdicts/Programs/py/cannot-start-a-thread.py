# expect: NonZeroExit exit=1 flags=ProcessLimitHit
# limits: processes=16
# says: stderr contains "can't start new thread"
import os, threading
threads = []
try:
    while True:
        thread = threading.Thread(target=threading.Event().wait, daemon=True)
        thread.start()
        threads.append(thread)
except RuntimeError as error:
    os.write(2, str(error).encode())
    os._exit(1)
