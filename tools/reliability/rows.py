"""The promises of docs/reliability.md: for each the test that holds it, and how often that is tried.

A row is (promise, what holds it, a function of a `Run`). The function gives how much was tried, in words, and how much of
it was lost, or raises `Failed`.
"""

import os
import re
import subprocess

import data
import report
import server


class Failed(Exception):
    """What was promised does not hold."""


class Run:
    """How much is tried: all of it, or a short form for every change."""

    def __init__(self, short):
        self.short = short

    def of(self, whole, short):
        return short if self.short else whole


def command(*words, **environment):
    """What a command prints that must succeed."""
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **environment})
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)} ended with status {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout + done.stderr


def tests(package, *words, **environment):
    """The output of tests, which must pass, and how many there were."""
    output = command("cargo", "test", "--package", package, *words, "--", "--nocapture", **environment)
    passed = sum(int(count) for count in re.findall(r"test result: ok\. (\d+) passed", output))
    if passed == 0:
        raise Failed(f"no test ran: {package} {words}")
    return output, passed


def counted(output, what):
    """The sum of the numbers before `what` in lines such as `counted: 50 kills of a training`."""
    return sum(int(number) for number in re.findall(rf"counted: (\d+) {what}", output))


def training(run):
    output, _ = tests("lab-cli", "--test", "resume_command", LAB_KILLS=str(run.of(50, 6)))
    kills, compared = re.search(r"counted: (\d+) kills of a training, (\d+) trainings", output).groups()
    return f"{kills} kills -9, {compared} trainings compared byte for byte, Ctrl-C and SIGTERM", 0


def interruptions(run):
    _, passed = tests("lab-core", "--test", "training_checkpoints")
    return f"{passed} tests: 5 optimizers, each interrupted in 6 ways; 17 other trainings; damaged files", 0


def data_kills(run):
    return data.kills(run.of(50, 4))


def cuts(run):
    output, _ = tests("lab-cli", "--test", "fetch", LAB_CUTS=str(run.of(200, 20)))
    return f"{counted(output, 'cuts of a download')} cuts; silence, refusals, error pages, wrong files, no npm", 0


def report_kills(run):
    return report.kills(run.of(10, 1))


def faults(run):
    _, passed = tests("lab-cli", "--test", "faults")
    output, _ = tests("lab-core", "--test", "extreme_numbers")
    vanished = counted(output, "data sets that vanish")
    return f"{passed} tests: 6 places of a full disk, closed folders, two at once; {vanished} data sets that vanish", 0


def setups(run):
    _, passed = tests("lab-cli", "--test", "setup_command", "--test", "data_command")
    return f"{passed} tests: no Python, no venv, no network, no compiler, two at once, killed", 0


def fuzzing(run):
    output = command("tools/fuzz/run.sh", str(run.of(600, 5)))
    inputs = [int(number) for number in re.findall(r": (\d+) inputs, 0 failures", output)]
    return f"{len(inputs)} readers, {sum(inputs) / 1e6:.1f} million inputs, {run.of(600, 5)} s each", 0


def corpus(run):
    output, _ = tests("lab-cli", "--test", "corpus")
    return f"{counted(output, 'inputs of the corpus')} inputs", 0


def numbers(run):
    _, passed = tests("lab-core", "--test", "extreme_numbers", "--test", "bad_input", "--test", "metrics_input")
    return f"{passed} tests", 0


def gradients(run):
    output = tests("lab-textbook", "--test", "gradients")[0] + tests("lab-core", "--test", "agreement_textbook")[0]
    return f"{counted(output, 'gradients')} gradients against differences of the function, {counted(output, 'networks')} \
networks against the textbook", 0


def golden(run):
    files = [word for name in ("golden_fast", "golden_textbook", "metrics_golden") for word in ("--test", name)]
    output, passed = tests("lab-core", *files)
    return f"{passed} tests, {counted(output, 'arrays')} arrays and scores of Keras, NumPy and scikit-learn", 0


def memory(run):
    output = command("tools/memory.sh", run.of("all", "valgrind"))
    passes = ["valgrind (plain and AVX2)", "the address sanitizer (all paths)", "Miri (the thread pool)"]
    done = [name for name in passes if re.search(f"^counted: .* under {name.split(' (')[0]}", output, re.M)]
    if not done:
        raise Failed(f"nothing was run:\n{output}")
    return "the tests of the kernels under " + ", ".join(done), 0


def exposure(run):
    return server.check()


def long_run(run):
    output, _ = tests("lab-core", "--test", "long_run", LAB_EPOCHS=str(run.of(1000, 150)))
    epochs, early, late = re.search(r"counted: (\d+) epochs .* memory (\d+) kB after 50 and (\d+) kB", output).groups()
    growth = 100 * (int(late) / int(early) - 1)
    return f"{epochs} epochs; most memory {int(early) / 1e3:.0f} MB after 50 and {growth:+.1f} % after all", 0


def packages(run):
    command(".ci/deny")
    return "licences, sources and duplicates of every Rust package", 0


ROWS = {
    "training": ("A training that is killed goes on to the same bytes", "`crates/cli/tests/resume_command.rs`", training),
    "interruptions": (
        "A checkpoint goes on to the same bits, or says what differs",
        "`lab-core/tests/training_checkpoints.rs`",
        interruptions,
    ),
    "data": ("A fetch of the data set that is killed leaves nothing that looks whole", "`tools/reliability/data.py`", data_kills),
    "cuts": ("A download that fails changes nothing and is explained", "`crates/cli/tests/fetch/sources.rs`", cuts),
    "report": ("A report that is killed leaves the last good one, and no process", "`tools/reliability/report.py`", report_kills),
    "faults": ("No room, no permission, vanishing data: a message, and the last run stays", "`crates/cli/tests/faults.rs`", faults),
    "setup": ("Set-up that fails leaves nothing that looks finished", "`crates/cli/tests/setup_command.rs`", setups),
    "fuzzing": ("No file makes a reader crash, hang or take a gigabyte", "`tools/fuzz/run.sh`", fuzzing),
    "corpus": ("What fuzzing has found stays mended", "`crates/cli/tests/corpus.rs`", corpus),
    "numbers": ("Extreme numbers are finite or an error", "`lab-core/tests/extreme_numbers.rs`", numbers),
    "gradients": ("Gradients are right", "`crates/textbook/tests/gradients.rs`", gradients),
    "golden": ("Numbers are those of the field's own programs", "`lab-core/tests/golden_fast.rs`", golden),
    "memory": ("`unsafe` code stays within its arrays", "`tools/memory.sh`", memory),
    "exposure": ("The notebook server is closed to others", "`tools/reliability/server.py`", exposure),
    "long": ("Long runs take no more memory, files, threads or time", "`lab-core/tests/long_run.rs`", long_run),
    "packages": ("Packages have known licences and sources", "`deny.toml`", packages),
}
