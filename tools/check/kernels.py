"""Checks the Rust kernel of .lab/venv: real kernels side by side, their build folders, interrupt, shutdown and kill -9.

    .lab/venv/bin/python tools/check/kernels.py

takes some minutes, prints what it checked with times, and exits 1 when something does not hold.
"""

import fcntl
import os
import queue
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from jupyter_client.manager import KernelManager

LABORATORY = Path(__file__).resolve().parents[2]
FOLDERS = LABORATORY / ".lab" / "evcxr"
FIRST = """:dep lab-notebook = { path = "../crates/notebook" }
use lab_notebook::prelude::*;
println!("{} images", Cifar10::sample().train.len());"""

# A training of some seconds, in a folder of its own; RESUME is nothing or `.resume()`.
TRAINING = """fn train() -> Result<()> {
    let lab = Lab::at("../target/interrupted", Scale::Sample);
    let cifar = lab.cifar10()?;
    let (train, validation) = cifar.train.hold_out_last(0.2)?;
    let mut model = Sequential::new([32, 32, 3]).flatten().dense(64, Activation::Elu).dense(10, Activation::Softmax).build(Seed(0))?;
    let trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-4)).epochs(300).batch_size(64);
    trainer.log_to(lab.run("interrupted").quietly()RESUME)?.fit(&mut model, &train, &validation)?;
    Ok(())
}
train()?;"""

# How much slower than two idle cores this machine may be.
SLOW = float(os.environ.get("LAB_SLOW", "1"))

failures = 0


def check(what, holds, more=""):
    global failures
    failures += not holds
    print(f"{'ok    ' if holds else 'FAILED'} {what}{': ' if more else ''}{more}", flush=True)


@contextmanager
def kernel():
    """A running kernel, which is shut down at the end."""
    manager = KernelManager(kernel_name="rust")
    started = time.time()
    manager.start_kernel(cwd=str(LABORATORY / "notebooks"))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=300)
        client.start_seconds = time.time() - started
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=False)


def pid(manager):
    return manager.provisioner.process.pid


def folder(manager):
    """The number of the build folder that a kernel holds."""
    held = [path.stem for path in FOLDERS.glob("*.lock") if path.read_text().strip() == str(pid(manager))]
    return held[0] if held else None


def is_locked(number):
    with open(FOLDERS / f"{number}.lock") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True


class Cell:
    """A cell that has been sent to a kernel."""

    def __init__(self, client, code):
        self.client, self.started, self.text, self.errors = client, time.time(), "", ""
        self.message = client.execute(code)

    def wait(self, timeout=600):
        """Until it is done; gives back what it printed, of which the last may come a moment later."""
        done = False
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=0.5 if done else timeout)
            except queue.Empty:
                self.errors += "" if done else f"nothing came for {timeout} s"
                return self
            if message["parent_header"].get("msg_id") != self.message:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                if content["name"] == "stdout":
                    self.text += content["text"]
                else:
                    self.errors += content["text"]
            elif kind == "error":
                self.errors += content["evalue"] + "\n".join(content["traceback"])
            elif kind == "execute_result":
                self.text += content["data"].get("text/plain", "")
            elif kind == "status" and content["execution_state"] == "idle":
                self.seconds, done = time.time() - self.started, True


def gone(pids, seconds=10):
    """Whether all these processes end soon."""
    until = time.time() + seconds
    while time.time() < until:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.1)
    return False


def alive(pid):
    try:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    except OSError:
        return False
    return bool(state) and not state.startswith("Z")


def family(parent):
    """A process and all below it."""
    table = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in table.splitlines()]
    found = [parent]
    for one in found:
        found += [child for child, above in pairs if above == one]
    return found


def two_at_once():
    with kernel() as (manager_a, a), kernel() as (manager_b, b):
        check("two kernels start", True, f"{a.start_seconds:.1f} s and {b.start_seconds:.1f} s")
        folders = {folder(manager_a), folder(manager_b)}
        check("they have folders of their own", None not in folders and len(folders) == 2, str(sorted(map(str, folders))))
        cells = [Cell(a, FIRST), Cell(b, FIRST)]
        for cell in cells:
            cell.wait()
        for cell in cells:
            check("their first cells work", "1000 images" in cell.text and not cell.errors, f"{cell.seconds:.1f} s {cell.errors}")
        checks = Cell(a, "println!(\"{}\", cfg!(debug_assertions)); let n: u8 = std::hint::black_box(255); println!(\"{}\", n + 1);").wait()
        check("no debug assertions and no overflow checks", checks.text.split() == ["false", "0"], checks.text + checks.errors)
        check("a let", not Cell(b, "let images = Cifar10::sample().train;").wait().errors)
        seconds = []
        for number in range(5):
            cell = Cell(b, f"let count_{number} = images.len() + {number}; println!(\"{{}}\", count_{number});").wait()
            check("a cell that uses it", cell.text.split() == [str(1000 + number)], f"{cell.seconds:.2f} s {cell.errors}")
            seconds.append(cell.seconds)
        check("the median cell takes at most 1 s", sorted(seconds)[2] <= 1.0 * SLOW, f"{sorted(seconds)[2]:.2f} s")
        used = family(pid(manager_a)) + family(pid(manager_b))
    check("shutdown leaves no process", gone(used), f"of {len(used)}")
    check("shutdown frees the folders", not any(is_locked(number) for number in folders))


def third_is_warm():
    with kernel() as (manager, client):
        first = Cell(client, FIRST).wait()
        check("the first cell is warm in the next kernel", first.seconds <= 6 * SLOW, f"{first.seconds:.1f} s, folder {folder(manager)}")
        with kernel() as (other, second):
            copied = Cell(second, FIRST).wait()
            check("and in one beside it", copied.seconds <= 6 * SLOW, f"{copied.seconds:.1f} s, folder {folder(other)}")


def copies_what_is_compiled():
    """A kernel that gets a folder without anything takes the compiled crates of another."""
    subprocess.run(["rm", "-rf", str(FOLDERS / "1")], check=True)
    with kernel() as (_, _), kernel() as (manager, client):
        cell = Cell(client, FIRST).wait()
        check("a new folder starts with compiled crates", cell.seconds <= 10 * SLOW and folder(manager) == "1",
              f"kernel {client.start_seconds:.1f} s, first cell {cell.seconds:.1f} s, folder {folder(manager)}")


def interrupt():
    with kernel() as (manager, client):
        cell = Cell(client, "loop { std::thread::sleep(std::time::Duration::from_millis(10)); }")
        time.sleep(5)
        manager.interrupt_kernel()
        cell.wait(timeout=30)
        check("interrupt ends an endless cell", "nothing came" not in cell.errors, f"{cell.seconds:.1f} s")
        after = Cell(client, "println!(\"{}\", 6 * 7);").wait()
        check("the kernel lives on", after.text.strip() == "42", after.errors)


def killed():
    with kernel() as (manager, client):
        number, used = folder(manager), family(pid(manager))
        check("a running kernel holds its lock", is_locked(number))
        os.kill(pid(manager), signal.SIGKILL)
        check("kill -9 leaves no process", gone(used), f"of {len(used)}")
        check("kill -9 frees the folder", not is_locked(number))


def interrupted_training():
    """An interrupt ends the process and its variables; what was trained is not lost."""
    runs = LABORATORY / "target/interrupted/outputs/sample/runs"
    subprocess.run(["rm", "-rf", str(LABORATORY / "target/interrupted")], check=True)
    checkpoint = runs / ".interrupted.checkpoint/checkpoint.safetensors"
    with kernel() as (manager, client):
        Cell(client, FIRST).wait()

        def interrupted(code):
            cell = Cell(client, code)
            until = time.time() + 60 * SLOW
            while not checkpoint.exists() and time.time() < until:
                time.sleep(0.02)
            manager.interrupt_kernel()
            return cell.wait(timeout=60)

        interrupted(TRAINING.replace("RESUME", ""))
        check("an interrupted training leaves a checkpoint and no run", checkpoint.exists() and not (runs / "interrupted").exists())
        Cell(client, "use lab_notebook::prelude::*;").wait()
        anew = Cell(client, TRAINING.replace("RESUME", "")).wait()
        said = "has left a checkpoint after " in anew.text and 'lab.run("interrupted").resume()' in anew.text
        check("the cell says so when it runs again, and begins anew", said and not anew.errors, anew.text + anew.errors)
        check("a run that is whole needs no checkpoint", not checkpoint.exists() and (runs / "interrupted/history.csv").exists())
        interrupted(TRAINING.replace("RESUME", ""))
        Cell(client, "use lab_notebook::prelude::*;").wait()
        on = Cell(client, TRAINING.replace("RESUME", ".resume()")).wait()
        check("it goes on when it is asked to", "going on from a checkpoint after " in on.text and not on.errors, on.text + on.errors)
        result = [cell.text.strip().splitlines()[-1].split("loss", 1)[1] for cell in (anew, on)]
        check("and ends as if nothing had happened", result[0] == result[1], result[1])


def all_taken():
    FOLDERS.mkdir(parents=True, exist_ok=True)
    held = [open(FOLDERS / f"{number}.lock", "a") for number in range(8)]
    for file in held:
        fcntl.flock(file, fcntl.LOCK_EX)
    launcher = LABORATORY / "crates" / "cli" / "python" / "launcher.py"
    answer = subprocess.run([sys.executable, launcher, "no-kernel", "no-file"], capture_output=True, text=True)
    check("a ninth kernel is refused with a message",
          answer.returncode == 1 and "in use" in answer.stderr and "what to do" in answer.stderr, answer.stderr.splitlines()[0])


if __name__ == "__main__":
    for step in (all_taken, two_at_once, third_is_warm, copies_what_is_compiled, interrupt, interrupted_training, killed):
        step()
    print(f"{failures} failed" if failures else "all hold")
    sys.exit(failures > 0)
