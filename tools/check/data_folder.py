"""Damages a folder of --data in every usual way, and checks that it is named and left as it was: data_folder.py [LAB]

For `train` and `data`: the message must name the file, what was found and what was expected, and the folder's SHA-256,
names and contents, must be the same before and after. LAB is the program (target/release/lab); the whole data set must be in
`data` (`cargo lab data`).
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
LAB = Path(sys.argv[1] if len(sys.argv) > 1 else CLONE / "target/release/lab").resolve()
FOLDER = CLONE / "data" / "cifar-10-batches-bin"
FILE = "data_batch_3.bin"
REST = "expected 30730000 bytes"


def truncated(path):
    os.truncate(path, 12_345_678)


def too_long(path):
    with path.open("ab") as file:
        file.write(b"x")


def wrong_byte(path):
    with path.open("r+b") as file:
        file.seek(20_000_000)
        byte = file.read(1)[0]
        file.seek(20_000_000)
        file.write(bytes([byte ^ 1]))


def web_page(path):
    path.write_text("<!DOCTYPE html>\n<title>Log in</title>")


# What is done to the file, and what is said of it.
DAMAGES = {
    "truncated": (truncated, f"{FILE}: found 12345678 bytes, it is cut off, {REST}"),
    "too long": (too_long, f"{FILE}: found 30730001 bytes or more, it is too long, {REST}"),
    "a wrong byte": (wrong_byte, f"{FILE}: found SHA-256 "),
    "missing": (os.remove, f"{FILE}: found no such file, {REST}"),
    "a web page": (web_page, f"{FILE}: found a web page of 37 bytes, {REST} of images"),
}


def digest(folder):
    """The SHA-256 of all names and contents below a folder; that of nothing where there is none."""
    sha = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        sha.update(str(path.relative_to(folder)).encode() + b"\0")
        if path.is_file():
            sha.update(path.read_bytes())
    return sha.hexdigest()[:16]


def run(arguments, readonly=None):
    words = [str(LAB), *map(str, arguments)]
    if readonly and os.geteuid() == 0:
        # Permissions do not keep root out; a mount does.
        mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
        words = ["unshare", "--mount", "sh", "-c", mount, str(readonly), *words]
    return subprocess.run(words, cwd=CLONE, capture_output=True, text=True)


failures = 0


def row(case, command, done, folder, before, status, said):
    global failures
    after = digest(folder)
    text = done.stdout + done.stderr
    good = done.returncode == status and said in text and before == after
    failures += not good
    line = next((line for line in text.splitlines() if said in line), text.strip())
    line = line.replace(str(folder), "DIR").removeprefix("error: ")
    print(f"{'ok    ' if good else 'FAILED'} | {case} | {command} | {done.returncode} | {line} | {before} | {after}", flush=True)


def own(home):
    """In the laboratory's own folder what is damaged is named, then fetched again."""
    global failures
    laboratory = home / "laboratory"
    (laboratory / "lab-core").mkdir(parents=True)
    (laboratory / "Cargo.toml").touch()
    folder = laboratory / "data" / FOLDER.name
    shutil.copytree(FOLDER, folder)
    right = digest(folder)
    truncated(folder / FILE)
    done = subprocess.run([LAB, "data", "--from", FOLDER], cwd=laboratory, capture_output=True, text=True)
    said = f"{DAMAGES['truncated'][1]}: it is fetched again"
    good = done.returncode == 0 and said in done.stderr and digest(folder) == right
    failures += not good
    print(f"{'ok    ' if good else 'FAILED'} | truncated, in the laboratory's own folder | data | {done.returncode} | {done.stderr.strip()}")


def main():
    print("       | case | command | status | message | before | after")
    with tempfile.TemporaryDirectory(prefix="lab-folder-", dir=CLONE / "target") as name:
        home = Path(name)
        train = ["train", "--epochs", "1", "--no-early-stopping", "--layers", "8:relu", "--out", home / "run", "--data"]
        for case, (damage, said) in DAMAGES.items():
            folder = home / "mine"
            shutil.copytree(FOLDER, folder)
            damage(folder / FILE)
            before = digest(folder)
            row(case, "train", run([*train, folder]), folder, before, 1, said)
            if case != "missing":
                # That which is only missing is what `data --data` fetches.
                row(case, "data", run(["data", "--data", folder]), folder, before, 1, said)
            shutil.rmtree(folder)
        mistyped = home / "mistyped"
        for command, words in [("train", train), ("data", ["data", "--data"])]:
            row("mistyped", command, run([*words, mistyped]), mistyped, digest(mistyped), 1, "found no such folder, expected a folder")
        assert not mistyped.exists()
        folder = home / "mine"
        shutil.copytree(FOLDER, folder)
        before = digest(folder)
        row("read-only, all right", "train", run([*train, folder], folder), folder, before, 0, "Test accuracy: ")
        row("read-only, all right", "data", run(["data", "--data", folder], folder), folder, before, 0, "all six files verified")
        (folder / FILE).unlink()
        before = digest(folder)
        row("read-only, one missing", "data", run(["data", "--data", folder], home), folder, before, 1, "Read-only file system")
        own(home)
    print(f"{failures} failed")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
