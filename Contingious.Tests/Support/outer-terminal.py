"""A person's terminal, as far as a program can tell: runs a command on a pseudo-terminal and says as JSON what came of it.

usage: outer-terminal.py SECONDS TYPED KILL -- COMMAND...
TYPED is typed once the command has shown "ready" (JSON text); the word KILL kills the command after SECONDS without ceremony.
"""
import base64, fcntl, json, os, pty, select, signal, struct, sys, termios, time

seconds, typed, kill, command = float(sys.argv[1]), json.loads(sys.argv[2]).encode(), sys.argv[3] == "KILL", sys.argv[5:]
controller, terminal = pty.openpty()
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
before = termios.tcgetattr(terminal)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for stream in range(3):
        os.dup2(terminal, stream)
    os.closerange(3, 256)
    os.execv(command[0], command)

shown, status, begun = b"", None, time.monotonic()
while True:
    if select.select([controller], [], [], 0.05)[0]:
        shown = (shown + os.read(controller, 65536))[-(1 << 20):]
    elif status is not None:
        break
    if typed and b"ready" in shown:
        os.write(controller, typed)
        typed = b""
    if status is None and time.monotonic() - begun > seconds:
        os.kill(pid, signal.SIGKILL if kill else signal.SIGTERM)
        seconds += 15
    if status is None:
        ended, how = os.waitpid(pid, os.WNOHANG)
        if ended:
            status = os.waitstatus_to_exitcode(how)
settings = termios.tcgetattr(terminal)

# What was typed or injected and nobody has read yet.
raw = termios.tcgetattr(terminal)
raw[3] &= ~(termios.ICANON | termios.ECHO)
termios.tcsetattr(terminal, termios.TCSANOW, raw)
left = b""
while select.select([terminal], [], [], 0.2)[0]:
    left += os.read(terminal, 4096)
print(json.dumps({"shown": base64.b64encode(shown).decode(), "exit": status, "restored": settings == before, "left": left.decode("latin-1"), "seconds": time.monotonic() - begun}))
