"""Looks at the notebook server from outside: it listens on this computer alone, and asks everybody for the token."""

import re
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
LAB = CLONE / "target" / "release" / "lab"
# Forbidden, or sent to where the token is asked for.
CLOSED = (302, 403)


def listening(port):
    """The addresses, in the kernel's hexadecimal, on which somebody listens on this port."""
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, number = local.split(":")
            if state == "0A" and int(number, 16) == port:
                found.append(address)
    return found


class Stay(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: who is not known is sent to the page that asks for the token."""

    def redirect_request(self, *_):
        return None


def status(address, **headers):
    try:
        request = urllib.request.Request(address, headers=headers)
        return urllib.request.build_opener(Stay).open(request, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code


def check():
    """Starts it, asks with the token, without it, with a wrong one and from another site, and stops it."""
    running = subprocess.Popen(
        [LAB, "notebook", "--no-browser"], cwd=CLONE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        for line in running.stdout:
            if found := re.search(r"http://(127\.0\.0\.1|localhost):(\d+)/\S*token=(\w+)", line):
                break
        else:
            return "the server did not start", 1
        port, token = int(found[2]), found[3]
        base = f"http://127.0.0.1:{port}"
        end = time.monotonic() + 20
        while not listening(port) and time.monotonic() < end:
            time.sleep(0.1)
        closed = [f"{base}/{path}" for path in ("api/contents", "api/kernels", "api/terminals", "files/README.md", "lab")]
        wrong = [
            listening(port) != ["0100007F"],
            len(token) < 32,
            status(f"{base}/api/contents?token={token}") != 200,
            *(status(address) not in CLOSED for address in closed),
            *(status(f"{address}?token={'0' * len(token)}") not in CLOSED for address in closed),
            status(f"{base}/api/contents", Host="evil.example", Authorization=f"token {token}") == 200,
        ]
        return f"{len(wrong)} questions, with the token, without it, with a wrong one, under another name", sum(wrong)
    finally:
        running.terminate()
        running.wait(20)
