"""Whether the process on this machine's port lives: for HEALTHCHECK, where there is no curl."""

from __future__ import annotations

import http.client
import sys


def healthy(port: int) -> bool:
    """True if `/healthz` answers 200 within four seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if healthy(int(sys.argv[1])) else 1)
