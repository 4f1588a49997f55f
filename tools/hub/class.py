"""A class on a hub, from the first log-in to the marks.

    .lab/hub/bin/python tools/hub/class.py [--students N] [--sheet NAME] [--cells N] [--mark N]

needs what install.sh has installed, and root. A teacher releases a sheet; students log in at the same time, fetch it, write
the solutions into it, run it to its end and submit; the teacher collects, and marks the first. Then one user tries to read
another's home, to change the crates and to take more memory than there is for one; the hub is killed and started again;
idle kernels and servers must end. Printed are the times of the first cells, the memory of each user and what fifty need.
The users lab-check-… and what is theirs are removed at the end. Exits 1 where something does not hold.
"""

import argparse
import contextlib
import grp
import hashlib
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
LABORATORY = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "nbgrader")]

import make  # noqa: E402
from memory import Peaks, children, memory, processes  # noqa: E402
from student import Student  # noqa: E402

MEMORY_LIMIT = 2 << 30
FAILED = []


def check(what, holds, more=""):
    print(f"{'ok    ' if holds else 'FAILED'} {what}{': ' if more else ''}{more}", flush=True)
    if not holds:
        FAILED.append(what)


def wait_for(condition, seconds):
    """Whether the condition holds within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if condition():
                return True
        time.sleep(1)
    return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def add_user(name, group):
    password = secrets.token_urlsafe(12)
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", "--groups", group, name], check=True)
    subprocess.run(["chpasswd"], input=f"{name}:{password}", text=True, check=True)
    return password


class Hub:
    """The hub with the class's configuration, on ports and in folders of its own."""

    def __init__(self, folder):
        self.folder, self.port, self.process = folder, free_port(), None
        self.url = f"http://127.0.0.1:{self.port}"
        self.ports = free_port(), free_port()
        self.environment = {**os.environ, "LAB_HUB_STATE": str(folder / "hub"), "LAB_EXCHANGE": str(folder / "exchange")}

    def start(self, more=""):
        config = self.folder / "config.py"
        config.write_text(
            f"load_subconfig({str(HERE / 'jupyterhub_config.py')!r})\n"
            f"c.JupyterHub.bind_url = {self.url!r}\n"
            f"c.JupyterHub.hub_port = {self.ports[0]}\n"
            f"c.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:{self.ports[1]}'\n"
            f"c.Spawner.mem_limit = {MEMORY_LIMIT}\nc.Spawner.cpu_limit = 1\n{more}"
        )
        jupyterhub = LABORATORY / ".lab" / "hub" / "bin" / "jupyterhub"
        with open(self.folder / "hub.log", "a") as log:
            command = [jupyterhub, "-f", config]
            self.process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)
        begin = time.monotonic()
        if not wait_for(lambda: socket.create_connection(("127.0.0.1", self.ports[0])).close() is None, 60):
            sys.exit(f"the hub does not start:\n{(self.folder / 'hub.log').read_text()[-3000:]}")
        return time.monotonic() - begin

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait()


def as_user(name, *command, hub, folder):
    """Runs a command of the laboratory's as a user, with the environment of a terminal in JupyterLab."""
    binaries = LABORATORY / ".lab" / "hub" / "bin"
    environment = {
        "HOME": f"/home/{name}",
        "LAB_EXCHANGE": hub.environment["LAB_EXCHANGE"],
        "JUPYTER_CONFIG_PATH": str(HERE / "config"),
        "PATH": f"{binaries}:/usr/local/bin:/usr/bin:/bin",
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", "/usr/local/lib/rustup"),
    }
    done = subprocess.run(command, user=name, group=name, extra_groups=[], cwd=folder, env=environment, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def hashes(folder):
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def lesson(students, sheet, count):
    """Everybody does the sheet at the same time."""
    answers = {cell["id"]: cell["source"] for cell in make.sheet(sheet)["cells"] if cell["metadata"]["nbgrader"]["solution"]}
    peaks = Peaks(students)
    peaks.start()
    begin = time.monotonic()
    with ThreadPoolExecutor(len(students)) as pool:
        list(pool.map(lambda student: student.do_sheet(sheet, answers, count), students))
    seconds = time.monotonic() - begin
    peaks.stopped.set()
    peaks.join()
    rest = peaks.now()
    print("student        server up  first cell  whole sheet  submitted  MiB at most  MiB at rest")
    for it in students:
        print(f"{it.name:<14} {it.times['server']:7.1f} s {it.times['first cell']:9.1f} s {it.times['sheet']:10.1f} s "
              f"{it.times['submitted']:8.1f} s {peaks.peaks[it.name]:12.0f} {rest[it.name]:12.0f}", flush=True)
    for what in ("server", "first cell", "sheet"):
        times = [it.times[what] for it in students]
        print(f"{what}: {min(times):.1f} to {max(times):.1f} s, median {statistics.median(times):.1f} s")
    print(f"all {len(students)} in {seconds:.0f} s; at most {peaks.most:.0f} MiB together; load {os.getloadavg()[0]:.1f}")
    wrong = [f"{it.name} {problem}" for it in students for problem in it.problems]
    check("every check says that the answer is right", not wrong, "; ".join(wrong[:5]))
    return peaks


def walls(students):
    """What one user must not be able to do."""
    one, other = students[0], students[-1]
    said = one.execute(f'println!("{{:?}}", std::fs::read_dir("/home/{other.name}").map(|_| ()));')
    check("a kernel cannot read another user's home", "PermissionDenied" in said, said.strip())
    crate = LABORATORY / "lab-core" / "src" / "lib.rs"
    said = one.execute(f'println!("{{:?}}", std::fs::OpenOptions::new().append(true).open("{crate}").map(|_| ()));')
    check("nor change the crates", "PermissionDenied" in said, said.strip())
    status = one.get(f"/user/{other.name}/api/contents").status_code
    check("nor use another user's server", status == 403, f"HTTP {status}")
    said = one.execute('println!("{:?}", std::thread::available_parallelism());')
    check("a kernel counts as many cores as a user has", "Ok(1)" in said, said.strip())
    one.execute("let mut hoard: Vec<Vec<u8>> = Vec::new();")
    said = one.execute(f"for _ in 0..{2 * MEMORY_LIMIT >> 28} {{ hoard.push(vec![1; 1 << 28]); }}")
    check("who takes too much memory loses the kernel's variables", "terminated" in said or "died" in said, said.strip()[-80:])
    said = other.execute('println!("{}", 6 * 7);')
    check("and nobody else's kernel notices", said.strip() == "42", said.strip())
    check("the server of that user goes on", one.get(f"/user/{one.name}/api/status").status_code == 200)


def killed_hub(hub, students):
    one = students[-1]
    one.execute("let kept: u32 = 4711;")
    one.write("kept.txt", "before\n")
    homes = [Path("/home", student.name, "cifar10-lab") for student in students]
    before = [hashes(home) for home in homes]
    since = {it.name: it.started() for it in students}
    hub.stop(signal.SIGKILL)
    said = one.execute("println!(\"{kept}\");")
    check("with the hub killed, kernels go on", said.strip() == "4711", said.strip())
    seconds = hub.start()
    found = wait_for(lambda: all(it.is_ready() for it in students), 60)
    check("the next hub finds all servers again", found and since == {it.name: it.started() for it in students}, f"after {seconds:.1f} s")
    said = one.execute("println!(\"{kept}\");")
    check("with their kernels and variables", said.strip() == "4711", said.strip())
    after = [hashes(home) for home in homes]
    check("no file is lost or changed", before == after, f"{sum(map(len, before))} files")


def slope(hub, students, peaks):
    """The memory of all users together, while one server after the other ends; what it comes to for fifty."""
    points = []
    for count in range(len(students), 0, -1):
        points.append((count, sum(peaks.now().values())))
        students[count - 1].stop_server()
        check_gone = wait_for(lambda: not list(processes(peaks.uids[students[count - 1].name])), 30)
        if not check_gone:
            check(f"the processes of {students[count - 1].name} have ended", False)
    counts, totals = zip(*points)
    each, base = statistics.linear_regression(counts, totals) if len(points) > 1 else (totals[0], 0)
    hub_itself = memory([hub.process.pid, *children(hub.process.pid)])
    print(f"memory at rest: {each:.0f} MiB for each more user, {base:.0f} MiB in common, {hub_itself:.0f} MiB for the hub")
    rest = (50 * each + base + hub_itself) / 1024
    most = rest + 50 * (statistics.mean(peaks.peaks.values()) - each) / 1024
    print(f"fifty need {rest:.1f} GiB with all kernels at rest, and {most:.1f} GiB if all are at their peak together")


def idle(hub, student):
    """With short times in the place of half an hour and an hour."""
    hub.stop()
    arguments = ["--MappingKernelManager.cull_idle_timeout=15", "--MappingKernelManager.cull_interval=5"]
    culler = [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=60", "--cull-every=10"]
    hub.start(f"c.Spawner.args = {arguments}\nc.JupyterHub.services[0]['command'] = {culler}\n")
    student.start_server()
    student.start_kernel("notebooks/01-preprocessing.ipynb")
    check("an idle kernel ends", wait_for(lambda: not student.get(f"/user/{student.name}/api/kernels").json(), 60))
    check("an idle server ends", wait_for(lambda: not student.is_ready(), 180))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=2)
    parser.add_argument("--sheet", default="01-preprocessing")
    parser.add_argument("--cells", type=int, help="how many cells of the sheet are run: all")
    parser.add_argument("--mark", type=int, default=1, help="of how many the sheets are marked")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("only root can add users and start servers for them")
    if left := [user.pw_name for user in pwd.getpwall() if user.pw_name.startswith("lab-check-")]:
        sys.exit(f"another check is at work, or has left its users: {', '.join(left)}; `userdel --remove` removes one")
    groups, folder = [], Path(tempfile.mkdtemp(prefix="lab-class-"))
    folder.chmod(0o755)
    (folder / "exchange").mkdir()
    (folder / "exchange").chmod(0o1777)
    names = [f"lab-check-{number:02}" for number in range(1, options.students + 1)]
    hub, teacher = Hub(folder), "lab-check-teacher"
    for group in {"lab-students", "lab-teachers"} - {group.gr_name for group in grp.getgrall()}:
        subprocess.run(["groupadd", group], check=True)
        groups.append(group)
    try:
        add_user(teacher, "lab-teachers")
        students = [Student(hub.url, name, add_user(name, "lab-students")) for name in names]
        home = f"/home/{teacher}"
        as_user(teacher, "python3", HERE.parent / "nbgrader" / "make.py", f"{home}/course", options.sheet, hub=hub, folder=home)
        course = {"hub": hub, "folder": f"{home}/course"}
        for step in ("generate_assignment", "release_assignment"):
            as_user(teacher, "nbgrader", step, options.sheet, **course)
        print(f"the hub starts within {hub.start():.1f} s", flush=True)
        peaks = lesson(students, options.sheet, options.cells)
        as_user(teacher, "nbgrader", "collect", options.sheet, **course)
        collected = sorted(path.name for path in Path(home, "course", "submitted").iterdir())
        check("the teacher collects a sheet of each student", collected == names)
        for name in names[: options.mark]:
            as_user(teacher, "nbgrader", "autograde", options.sheet, "--student", name, **course)
        as_user(teacher, "nbgrader", "export", **course)
        grades = Path(home, "course", "grades.csv").read_text().splitlines()
        column = {name: number for number, name in enumerate(grades[0].split(","))}
        rows = [row.split(",") for row in grades[1:]]
        points = {row[column["student_id"]]: (row[column["score"]], row[column["max_score"]]) for row in rows}
        full = all(points[name][0] == points[name][1] for name in names[: options.mark])
        check("right answers get all points", full, json.dumps({name: points[name] for name in names[: options.mark]}))
        killed_hub(hub, students)
        walls(students)
        slope(hub, students, peaks)
        idle(hub, students[0])
    finally:
        if hub.process and hub.process.poll() is None:
            hub.stop()
        remove([teacher, *names], groups)
        if FAILED:
            print(f"the logs are in {folder}")
        else:
            shutil.rmtree(folder)
    print(f"{len(FAILED)} failed")
    return bool(FAILED)


def remove(names, groups):
    """The users of this check and what they run and have."""
    for name in names:
        with contextlib.suppress(KeyError):
            for pid in processes(pwd.getpwnam(name).pw_uid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.2)
            subprocess.run(["userdel", "--remove", "--force", name], capture_output=True)
    for group in groups:
        subprocess.run(["groupdel", group])


if __name__ == "__main__":
    sys.exit(main())
