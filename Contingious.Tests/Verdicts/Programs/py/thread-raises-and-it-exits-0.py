# An exception in a thread is printed and forgotten.
# expect: Ok
# says: stderr contains "ValueError: lost"
import threading
def fail():
    raise ValueError("lost")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
