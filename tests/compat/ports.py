"""Prints a range of N ports that nobody uses: FIRST-LAST."""

import random
import socket
import sys


def is_free(port: int) -> bool:
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


n = int(sys.argv[1])
while True:
    first = random.randrange(20000, 30000)
    if all(is_free(port) for port in range(first, first + n)):
        print(f"{first}-{first + n - 1}")
        break
