#!/usr/bin/env python3
"""Serves moto on a free port of 127.0.0.1 for as long as standard input is open.

Prints the port as its only line. Whoever starts it holds the other end of standard input, so moto ends with that
process however it ends.
"""

import logging
import os
import sys

# Images of the default catalogue are read for every account; one would do, and reading them takes most of the time.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

try:
    from moto.server import ThreadedMotoServer
except ImportError as error:
    sys.exit(f"{sys.executable} has no moto ({error}): run `make moto`")


def main():
    # A line per request would be most of the output of a failing test.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.buffer.read()
    # Requests may still run in other threads; nobody waits for their answers.
    os._exit(0)


if __name__ == "__main__":
    main()
