"""Runs a program on a pseudo-terminal, and joins that to this process's stdin and stdout.

Usage: pseudo_terminal.py PROGRAM ARGS…; the exit code is the program's, or 128 and its signal.
"""

import fcntl
import os
import pty
import select
import struct
import sys
import termios

ROWS, COLUMNS = 60, 110

child, master = pty.fork()
if child == 0:
    # Before the program, which may set another size.
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    os.execvpe(sys.argv[1], sys.argv[1:], os.environ)
typing = True
while True:
    ready, _, _ = select.select([master] + ([0] if typing else []), [], [])
    if master in ready:
        try:
            data = os.read(master, 65536)
        except OSError:  # the program has closed its side
            break
        if not data:
            break
        os.write(1, data)
    if 0 in ready:
        typed = os.read(0, 4096)
        if typed:
            os.write(master, typed)
        else:  # the end of our stdin hangs the terminal up
            typing = False
            os.close(master)
            break
_, status = os.waitpid(child, 0)
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
