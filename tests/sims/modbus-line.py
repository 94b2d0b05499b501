"""A serial line for tests: a pseudo terminal whose other end is a serial server on TCP.

python3 modbus-line.py PORT prints the terminal's name and forwards bytes until its standard input closes.
"""

import os
import pty
import select
import socket
import sys
import tty

master, slave = pty.openpty()
tty.setraw(slave)
server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print(os.ttyname(slave), flush=True)
while True:
    ready, _, _ = select.select([master, server, sys.stdin], [], [])
    if sys.stdin in ready:
        break
    if master in ready:
        server.sendall(os.read(master, 4096))
    if server in ready:
        data = server.recv(4096)
        if not data:
            break
        os.write(master, data)
