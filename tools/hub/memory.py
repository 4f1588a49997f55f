"""What the processes of users take of the machine's memory."""

import contextlib
import pwd
import threading
from pathlib import Path


def processes(uid):
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == uid:
                yield int(folder.name)


def memory(pids):
    """The proportional share of memory: what several processes have in common counts in equal parts for each."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, StopIteration):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def children(pid):
    """The processes that a process has started, and theirs."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name, in parentheses, may have spaces in it.
            if int(file.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(file.parent.name))
    return [it for child in found for it in (child, *children(child))]


class Peaks(threading.Thread):
    """Follows the memory of each user, in MiB."""

    def __init__(self, students):
        super().__init__(daemon=True)
        self.uids = {student.name: pwd.getpwnam(student.name).pw_uid for student in students}
        self.peaks, self.most, self.stopped = dict.fromkeys(self.uids, 0.0), 0.0, threading.Event()

    def now(self):
        return {name: memory(processes(uid)) for name, uid in self.uids.items()}

    def run(self):
        while not self.stopped.wait(2):
            now = self.now()
            self.peaks = {name: max(peak, now[name]) for name, peak in self.peaks.items()}
            self.most = max(self.most, sum(now.values()))
