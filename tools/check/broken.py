"""Breaks a notebook in every way there is, and checks what `lab report` makes of it: broken.py [LAB]

Each breakage must end the report with status 1, name the notebook, the cell and its first line, and leave the pages of the
last report as they were, byte for byte. A report that is interrupted must leave no process, and two must not run at
once. LAB is the program (target/release/lab); set-up must have been done in this clone. It takes two minutes or so.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
LAB = Path(sys.argv[1] if len(sys.argv) > 1 else CLONE / "target/release/lab").resolve()

# How a cell breaks, the cell, and what the message must hold.
BREAKAGES = [
    ("a type error", 'let number: u32 = "five";', ["mismatched types"]),
    ("a panic", "let empty: Vec<u32> = vec![];\nempty[3];", ["panicked", "index out of bounds"]),
    ("a failing ?", 'std::fs::read("no-such-file")?;', ["No such file"]),
    ("a print to stderr", 'eprintln!("a warning");', ["a warning"]),
    ("the end of its process", "std::process::exit(3);", ["Subprocess"]),
    (
        "the end of the kernel",
        'std::process::Command::new("kill").arg("-9").arg(std::os::unix::process::parent_id().to_string()).status()?;\n'
        "std::thread::sleep(std::time::Duration::from_secs(60));",
        ["Kernel died"],
    ),
]


def write_notebook(path, title, cells):
    code = [
        {"cell_type": "code", "id": f"code-{i}", "metadata": {}, "execution_count": None, "outputs": [], "source": cell}
        for i, cell in enumerate(cells)
    ]
    text = {"cell_type": "markdown", "id": "text", "metadata": {}, "source": f"# {title}\n\n## One\n\n## Two"}
    metadata = {"kernelspec": {"display_name": "Rust", "language": "rust", "name": "rust"}}
    path.write_text(json.dumps({"cells": [text, *code], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))


def report(root, *arguments):
    command = [LAB, "report", "--sample", "--within", root, *arguments]
    return subprocess.run(command, cwd=CLONE, capture_output=True, text=True, timeout=300)


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def processes_in(folder):
    """The processes whose working folder lies in `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "cwd").startswith(str(folder)):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            pass
    return found


def wait_until(holds, seconds):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.1)
    return holds()


def main():
    problems = []

    def check(holds, text):
        print(f"{'ok' if holds else 'WRONG':<6}{text}", flush=True)
        if not holds:
            problems.append(text)

    with tempfile.TemporaryDirectory(prefix="lab-broken-") as folder:
        root = Path(folder).resolve()
        (root / "notebooks").mkdir()
        second = root / "notebooks" / "02-second.ipynb"
        write_notebook(root / "notebooks" / "01-first.ipynb", "1. First", ["let first = 1;", 'println!("{first}");'])
        write_notebook(second, "2. Second", ["let second = 2;", 'println!("{second}");'])
        done = report(root)
        check(done.returncode == 0, f"good notebooks make a report (status {done.returncode})\n{done.stderr}"[:2000])
        good = content(root / "outputs")
        check({"sample/01-first.html", "sample/02-second.html", "sample/times.csv"} <= set(good), "their pages are there")

        for name, cell, words in BREAKAGES:
            write_notebook(second, "2. Second", ["let second = 2;", cell, 'println!("{second}");'])
            done = report(root, "--only", "02")
            # evcxr counts cells from 2, and JupyterLab shows what it counts.
            wanted = ["02-second: cell [3]", cell.splitlines()[0], *words, "--only 02"]
            missing = [word for word in wanted if word not in done.stderr]
            check(done.returncode == 1, f"{name}: status {done.returncode}, expected 1")
            check(not missing, f"{name}: the message has all of it" if not missing else f"{name}: no {missing} in\n{done.stderr}")
            check("\x1b[" not in done.stderr, f"{name}: the message has no colours")
            check(content(root / "outputs") == good, f"{name}: the pages are as they were")
            check(wait_until(lambda: not processes_in(root), 5), f"{name}: no process is left {processes_in(root)}")

        # Interrupted while a cell is running, as Ctrl-C does it: the signal goes to all processes of the terminal.
        loop = "std::thread::sleep(std::time::Duration::from_secs(120));"
        for how in ("interrupted", "terminated", "killed"):
            started = root / "notebooks" / "started"
            write_notebook(second, "2. Second", ['std::fs::write("started", "")?;', loop])
            command = [LAB, "report", "--sample", "--only", "2", "--within", root]
            running = subprocess.Popen(command, cwd=CLONE, stderr=subprocess.DEVNULL, start_new_session=True)
            check(wait_until(started.exists, 120), f"{how}: a notebook is running")
            if how == "interrupted":
                other = report(root)
                said = "another `cargo lab report` at work" in other.stderr
                check(other.returncode == 1 and said, "a second report says that another one is at work")
                os.killpg(running.pid, signal.SIGINT)
            else:
                running.send_signal(signal.SIGTERM if how == "terminated" else signal.SIGKILL)
            check(running.wait(30) != 0, f"{how}: the report does not end with status 0")
            check(wait_until(lambda: not processes_in(root), 5), f"{how}: no process is left {processes_in(root)}")
            check(content(root / "outputs") == good, f"{how}: the pages are as they were")
            started.unlink(missing_ok=True)

    print(f"{len(problems)} problems" if problems else "all in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
