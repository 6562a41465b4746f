#!/usr/bin/env python3
"""Serves moto on 127.0.0.1.

For a test: on a free port, printed as the only line, for as long as standard input is open. Whoever starts it holds
the other end of standard input, so moto ends with that process however it ends. For people: with --port, until it is
ended by a signal.
"""

import argparse
import logging
import os
import sys
import threading

# Images of the default catalogue are read for every account; one would do, and reading them takes most of the time.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

try:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server
except ImportError as error:
    sys.exit(f"{sys.executable} has no moto ({error}): run `make moto`")


class OneAtATime:
    """An application that serves one request after the other.

    moto searches dictionaries that another thread's request may be adding to, and then answers HTTP 500. Nothing is
    lost by waiting: the interpreter runs one thread at a time.
    """

    def __init__(self, application):
        self.application = application
        self.turn = threading.Lock()

    def __call__(self, environ, start_response):
        with self.turn:
            return self.application(environ, start_response)


def main():
    parser = argparse.ArgumentParser(description="Serves moto on 127.0.0.1.")
    parser.add_argument("--port", type=int, help="serve there until ended, instead of on a free port for a test")
    options = parser.parse_args()
    # A line per request would be most of the output of a failing test.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = OneAtATime(DomainDispatcherApplication(create_backend_app))
    # Connections have threads of their own: one that is open and silent keeps nobody waiting.
    server = make_server("127.0.0.1", options.port or 0, moto, threaded=True)
    if options.port:
        server.serve_forever()
    else:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_port, flush=True)
        sys.stdin.buffer.read()
        # Requests may still run in other threads; nobody waits for their answers.
        os._exit(0)


if __name__ == "__main__":
    main()
