"""A sweep of 200 trials on HyperQueue, whose workers and server are killed on the way, against the same sweep on this
machine alone: tools/reliability/hyperqueue.py [TRIALS]

Needs `hq` (github.com/It4innovations/hyperqueue) in PATH and `cargo build --release --package lab-cli`. Four workers of one
core start; two are killed (-9) when a fifth of the trials are done, the server when two fifths are, and it starts again
with its journal and four new workers. Takes some minutes, and leaves nothing but what it prints.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LAB = Path(os.environ.get("LAB") or Path(__file__).resolve().parents[2] / "target/release/lab")
FILE = """
trials = {trials}
[train]
data = "sample"
epochs = 6
schedule = "constant"
no-early-stopping = true
[vary]
layers = ["32:relu", "64:relu", "64:relu,32:relu", "128:elu"]
learning-rate = {{ from = 1e-4, to = 1e-1, log = true }}
optimizer = ["adam", "sgd"]
seed = [0, 1, 2, 3, 4]
"""


def main(trials):
    with tempfile.TemporaryDirectory() as home:
        home = Path(home)
        (home / "many.toml").write_text(FILE.format(trials=trials))
        env = os.environ | {"HQ_SERVER_DIR": str(home / "server")}
        begun = time.monotonic()
        subprocess.run([LAB, "sweep", "many.toml", "--out", "local"], cwd=home, check=True, stderr=subprocess.DEVNULL)
        print(f"on this machine alone: {time.monotonic() - begun:.0f} s")

        processes = []

        def hq(*words):
            output = subprocess.DEVNULL
            process = subprocess.Popen(["hq", *words], cwd=home, env=env, stdout=output, stderr=output)
            processes.append(process)
            return process

        def start_server():
            server = hq("server", "start", "--journal", "hq.journal")
            subprocess.run(["hq", "server", "wait"], cwd=home, env=env, check=True, capture_output=True)
            return server, [hq("worker", "start", "--cpus", "1") for _ in range(4)]

        try:
            begun = time.monotonic()
            server, workers = start_server()
            command = [LAB, "sweep", "many.toml", "--out", "cluster", "--hyperqueue"]
            sweep = subprocess.Popen(command, cwd=home, env=env, stderr=subprocess.PIPE, text=True)
            processes.append(sweep)
            for line in sweep.stderr:
                done = int(line.split()[0]) if line[0].isdigit() else 0
                if not done:
                    print(f"  it says: {line.strip()}")
                if workers and done >= trials // 5:
                    for worker in workers[:2]:
                        worker.send_signal(signal.SIGKILL)
                    workers = None
                    print(f"  {done} done: killed two of four workers")
                if server and done >= 2 * trials // 5:
                    server.send_signal(signal.SIGKILL)
                    server.wait()
                    print(f"  {done} done: killed the server")
                    time.sleep(5)
                    server = start_server() and None
                    print("  the server is started again, with its journal and four new workers")
            assert sweep.wait() == 0
            print(f"on HyperQueue: {time.monotonic() - begun:.0f} s")
        finally:
            for process in processes:
                process.kill()
        compare(home, trials)


def compare(home, trials):
    """The journals have each trial once, with equal weights, and a whole run for each."""
    results = []
    for name in ["local", "cluster"]:
        lines = (home / name / "journal.jsonl").read_text().splitlines()[1:]
        entries = [json.loads(line) for line in lines]
        weights = {json.dumps(it["options"], sort_keys=True): it["weights_sha256"] for it in entries}
        runs = [path for path in (home / name / "runs").iterdir() if not path.name.startswith(".")]
        whole = [run for run in runs if len(list(run.iterdir())) == 4]
        print(f"{name}: {len(entries)} lines, {len(weights)} different trials, {len(whole)} whole runs of {len(runs)}")
        assert len(entries) == len(weights) == len(runs) == len(whole) == trials
        assert all(weights.values())
        results.append(weights)
    assert results[0] == results[1], "weights differ"
    print(f"all {trials} weights have the same SHA-256")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
