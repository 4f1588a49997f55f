"""Kills `cargo lab report --sample` at random moments: the last good pages stay, and no process is left."""

import os
import random
import subprocess
import time
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
LAB = CLONE / "target" / "release" / "lab"
# One notebook: set-up, kernel, cells and pages are those of all six, and a kill comes into each of these sooner.
REPORT = [LAB, "report", "--sample", "--only", "01"]


def pages():
    folder = CLONE / "outputs" / "sample"
    return {path.name: path.read_bytes() for path in [*folder.glob("*.html"), folder / "times.csv"]}


def kernels():
    """The Rust kernels that work in this clone."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "cwd").startswith(str(CLONE / "notebooks")):
                found.append(entry.name)
        except OSError:
            pass
    return found


def kills(count):
    """`count` kills between the beginning and the end of a report, after one that is let through."""
    begun = time.monotonic()
    subprocess.run(REPORT, check=True, cwd=CLONE, capture_output=True)
    longest, good, chance = time.monotonic() - begun, pages(), random.Random(2026)
    killed = 0
    while killed < count:
        running = subprocess.Popen(REPORT, cwd=CLONE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, 0.9 * longest))
        if running.poll() is not None:
            return f"{killed} kills; a report ended by itself", 1
        running.kill()
        running.wait()
        killed += 1
        end = time.monotonic() + 10
        while kernels() and time.monotonic() < end:
            time.sleep(0.1)
        if kernels() or pages() != good:
            return f"{killed} kills", 1
    subprocess.run(REPORT, check=True, cwd=CLONE, capture_output=True)
    return f"{killed} kills -9 of a notebook's report within {longest:.0f} s, and a report after them", 0
