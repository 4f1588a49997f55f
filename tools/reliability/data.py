"""Kills `cargo lab data` at random moments: whatever stands under its name is whole, and the next one brings the rest."""

import hashlib
import random
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
LAB = CLONE / "target" / "release" / "lab"
FOLDER = "cifar-10-batches-bin"


def sums(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.bin"))}


def kills(count):
    """`count` kills of a fetch from the data set in this clone, at moments between its beginning and its end."""
    source = CLONE / "data" / FOLDER
    if subprocess.run([LAB, "data"], cwd=CLONE, capture_output=True).returncode != 0:
        return "SKIPPED: the data set could not be fetched here", 0
    official = sums(source)
    chance, killed, whole = random.Random(2026), 0, 0
    with tempfile.TemporaryDirectory(prefix="lab-data-") as home:
        target = Path(home) / "data"
        fetch = [LAB, "data", "--data", target, "--from", source]
        # A folder of `--data` must be there.
        target.mkdir()
        begun = time.monotonic()
        subprocess.run(fetch, check=True, capture_output=True)
        longest = time.monotonic() - begun
        while killed < count:
            shutil.rmtree(target)
            target.mkdir()
            running = subprocess.Popen(fetch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0, longest))
            if running.poll() is not None:
                continue
            running.kill()
            running.wait()
            killed += 1
            standing = sums(target / FOLDER) if (target / FOLDER).exists() else {}
            if any(official[name] != found for name, found in standing.items()):
                return f"{killed} kills", 1
            subprocess.run(fetch, check=True, capture_output=True)
            left = [path.name for path in target.iterdir() if path.name.startswith(".cifar-10-fetch")]
            if sums(target / FOLDER) != official or left:
                return f"{killed} kills", 1
            whole += 1
    return f"{killed} kills -9 between the beginning and the end of a fetch; {whole} fetches after them", 0
