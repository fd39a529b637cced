# An unhandled KeyboardInterrupt ends in a real SIGINT.
# expect: Signalled signal=2
# says: stderr contains "KeyboardInterrupt"
raise KeyboardInterrupt
