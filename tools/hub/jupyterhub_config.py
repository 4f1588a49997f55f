"""JupyterHub for a class on one machine: .lab/hub/bin/jupyterhub -f tools/hub/jupyterhub_config.py, as root.

Users are the system's: members of the group lab-students may log in, members of lab-teachers may also stop servers and
add users. All of them share this clone read-only, with the kernel, the compiled crates and the data set; server.sh
gives each a laboratory of their own. docs/teaching.md goes through it.
"""

import contextlib
import grp
import os
import signal
import sys
from pathlib import Path

from jupyterhub.spawner import LocalProcessSpawner

# What you may want to change. Memory is for everything that a user runs; idle times are in seconds.
MEMORY = "3G"
CORES = 2
PROCESSES = 1000
IDLE_SERVER = 3600
ADDRESS = "http://127.0.0.1:8000"

LABORATORY = Path(__file__).resolve().parents[2]
HUB = LABORATORY / ".lab" / "hub"
STATE = Path(os.environ.get("LAB_HUB_STATE", "/srv/cifar10-lab-hub"))
CGROUPS = Path("/sys/fs/cgroup")
PERIOD = 100_000  # microseconds: the kernel's default period of a quota of cores


class ClassSpawner(LocalProcessSpawner):
    """Starts a server in control groups of its user, where there is no systemd to do it. Cgroups version 1."""

    def limits(self):
        """The files that hold a limit, with what to write into them."""
        groups = {name: CGROUPS / name / "cifar10-lab" / self.user.name for name in ("memory", "cpu", "pids")}
        return groups.values(), {
            groups["memory"] / "memory.limit_in_bytes": self.mem_limit,
            groups["cpu"] / "cpu.cfs_period_us": PERIOD,
            groups["cpu"] / "cpu.cfs_quota_us": int(self.cpu_limit * PERIOD),
            groups["pids"] / "pids.max": PROCESSES,
        }

    def make_preexec_fn(self, name):
        become_user = super().make_preexec_fn(name)
        groups, limits = self.limits()
        for group in groups:
            group.mkdir(parents=True, exist_ok=True)
        for file, limit in limits.items():
            file.write_text(str(limit))

        def preexec():
            for group in groups:
                (group / "cgroup.procs").write_text(str(os.getpid()))
            become_user()

        return preexec

    async def stop(self, now=False):
        await super().stop(now)
        # A server that is told to end leaves its kernels running, with all their memory.
        for pid in (CGROUPS / "pids" / "cifar10-lab" / self.user.name / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


c = get_config()  # noqa: F821
c.JupyterHub.bind_url = ADDRESS
STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
c.JupyterHub.db_url = f"sqlite:///{STATE / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")
c.ConfigurableHTTPProxy.command = [str(HUB / "node_modules" / ".bin" / "configurable-http-proxy")]
# Servers go on when the hub ends, and the next hub finds them again.
c.JupyterHub.cleanup_servers = False

c.JupyterHub.authenticator_class = "pam"
groups = {group.gr_name for group in grp.getgrall()}
c.PAMAuthenticator.allowed_groups = {"lab-students", "lab-teachers"} & groups
c.PAMAuthenticator.admin_groups = {"lab-teachers"} & groups
c.PAMAuthenticator.open_sessions = False

if Path("/run/systemd/system").exists():
    c.JupyterHub.spawner_class = "systemd"
    c.SystemdSpawner.unit_name_template = "cifar10-lab-{USERNAME}"
    c.SystemdSpawner.unit_extra_properties = {"TasksMax": str(PROCESSES)}
elif (CGROUPS / "memory").is_dir() and os.access(CGROUPS / "memory", os.W_OK):
    c.JupyterHub.spawner_class = ClassSpawner
else:
    print("warning: neither systemd nor writable control groups: memory and cores have no limits", file=sys.stderr)
c.Spawner.mem_limit = MEMORY
c.Spawner.cpu_limit = CORES
c.Spawner.cmd = [str(LABORATORY / "tools" / "hub" / "server.sh")]
c.Spawner.notebook_dir = "~/cifar10-lab"
c.Spawner.default_url = "/lab/tree/notebooks"
# A whole class that logs in at the same time starts slowly on few cores.
c.Spawner.start_timeout = 600
c.Spawner.http_timeout = 600
c.Spawner.environment = {
    "PATH": f"{HUB / 'bin'}:{LABORATORY / 'target' / 'release'}:/usr/local/bin:/usr/bin:/bin",
    "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", "/usr/local/lib/rustup"),
    "JUPYTER_PATH": str(LABORATORY / ".lab" / "venv" / "share" / "jupyter"),
    "JUPYTER_CONFIG_PATH": str(LABORATORY / "tools" / "hub" / "config"),
    # Without the data set everything works on the sample.
    "LAB_SCALE": "full" if (LABORATORY / "data" / "cifar-10-batches-bin").is_dir() else "sample",
    "LAB_KERNEL_LOG": "1",
    "LAB_EXCHANGE": os.environ.get("LAB_EXCHANGE", "/srv/nbgrader/exchange"),
}

c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE_SERVER}"],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]
