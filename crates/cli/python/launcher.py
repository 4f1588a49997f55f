"""Starts the Rust kernel in a build folder that no other kernel uses.

The kernel spec calls it: launcher.py EVCXR_JUPYTER CONNECTION_FILE. Of the folders .lab/evcxr/0 to 7 it takes the first
that nobody has locked, those with compiled dependencies first, and becomes the kernel: the lock lives as long as the
kernel does, however that ends.

Where the laboratory belongs to somebody else, as on a class's server, the folders are in ~/.cache/cifar10-lab/builds, and
what is compiled there already is linked to: so every user has the compiled crates, and the memory that they take, in common.
"""

import fcntl
import hashlib
import os
import re
import shutil
import sys
import time
from pathlib import Path

LABORATORY = Path(__file__).resolve().parents[3]
COMPILED = LABORATORY / ".lab" / "evcxr"
IS_OURS = os.access(LABORATORY, os.W_OK)
FOLDERS = COMPILED if IS_OURS else Path.home() / ".cache" / "cifar10-lab" / "builds"
COUNT = 8
# What a kernel compiles for its own cells.
CELLS = shutil.ignore_patterns("incremental", "*ctx*", "libcode_*")
# Seconds to wait for another kernel's cargo.
PATIENCE = 10.0


def is_warm(folder):
    return any(folder.glob("target/*/debug/deps/liblab_core-*.rlib"))


def lock(path, how, until=0.0):
    """The descriptor of a lock on a file, or None when somebody else has it, and still has it at that time."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(descriptor)
                return None
            time.sleep(0.05)


def keep_elsewhere(program):
    """Makes FOLDERS a link to a folder in the kernel's cache.

    The kernel (0.22) cannot load what it has compiled from a path with a space in it.
    """
    place = Path(program).parents[2] / "builds" / hashlib.sha256(os.fsencode(LABORATORY)).hexdigest()[:16]
    if re.search(r"\s", str(place)):
        sys.exit(
            f"{LABORATORY}: the Rust kernel cannot work below a path with a space in it\n"
            "  what to do: set LAB_CACHE to a folder whose path has none, and run `cargo lab setup`"
        )
    FOLDERS.parent.mkdir(exist_ok=True)
    try:
        FOLDERS.symlink_to(place)
    except FileExistsError:
        # Another kernel was quicker.
        pass


def take_folder(program):
    """A folder that is ours, and the descriptor of its lock."""
    if re.search(r"\s", str(FOLDERS)) and not FOLDERS.is_symlink():
        keep_elsewhere(program)
    FOLDERS.resolve().mkdir(parents=True, exist_ok=True)
    folders = [FOLDERS.resolve() / str(number) for number in range(COUNT)]
    for folder in sorted(folders, key=lambda folder: not is_warm(folder)):
        descriptor = lock(folder.with_suffix(".lock"), fcntl.LOCK_EX)
        if descriptor is not None:
            os.truncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
            return folder, descriptor
    sys.exit(
        f"all {COUNT} build folders in {FOLDERS} are in use by running kernels\n"
        "  what to do: shut down a kernel (in JupyterLab: Kernel, Shut Down), then start this one again"
    )


def copy_dependencies(folder):
    """Copies what another kernel has compiled, which takes a second where compiling takes a minute.

    cargo's own locks are held meanwhile, so nothing that is half written is copied. A cell there is compiled within
    seconds; if cargo is at work for longer, or anything else is in the way, the folder stays cold and cargo compiles.
    """
    donors = [folder.with_name(str(number)) for number in range(COUNT)]
    donor = next((donor for donor in donors if donor != folder and is_warm(donor)), None)
    if donor is None:
        return
    held, partial, until = [], folder / "target.partial", time.monotonic() + PATIENCE
    try:
        for path in donor.glob("target/**/.cargo*-lock"):
            descriptor = lock(path, fcntl.LOCK_SH, until)
            if descriptor is None:
                return
            held.append(descriptor)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(donor / "target", partial, symlinks=True, ignore=CELLS)
        partial.rename(folder / "target")
    except (OSError, shutil.Error):
        shutil.rmtree(partial, ignore_errors=True)
    finally:
        for descriptor in held:
            os.close(descriptor)


def link_dependencies(folder):
    """Begins a folder anew with links to what the laboratory's owner has compiled; what cargo writes is the user's own."""
    donor = next((donor for donor in sorted(COMPILED.glob("*/")) if is_warm(donor)), None)
    if donor is None:
        return

    def link(source, copy):
        if Path(source).name.startswith("."):
            shutil.copy(source, copy)
        else:
            os.symlink(source, copy)

    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(donor / "target", folder / "target", symlinks=True, ignore=CELLS, copy_function=link)


def main():
    program, connection_file = sys.argv[1:3]
    folder, descriptor = take_folder(program)
    if not IS_OURS:
        link_dependencies(folder)
    elif not is_warm(folder):
        copy_dependencies(folder)
    folder.mkdir(exist_ok=True)
    os.set_inheritable(descriptor, True)
    if shutil.which("cargo") is None:
        # Editors do not always start with the path of a terminal.
        cargo_home = os.environ.get("CARGO_HOME") or str(Path.home() / ".cargo")
        os.environ["PATH"] = os.pathsep.join([str(Path(cargo_home, "bin")), os.environ.get("PATH", os.defpath)])
    os.environ.update(
        EVCXR_TMPDIR=str(folder),
        # The laboratory's evcxr.toml, wherever the notebook lies, and not the user's.
        EVCXR_CONFIG_DIR=str(LABORATORY / "notebooks"),
        # The kernel renews a spec of its own that it finds here; there is to be none.
        JUPYTER_PATH=str(folder / "no-kernels"),
        # The packages that set-up has fetched: the versions of Cargo.lock, whatever else the user's registry has.
        CARGO_HOME=str(LABORATORY / ".lab" / "cargo"),
        CARGO_PROFILE_DEV_OPT_LEVEL="3",
        CARGO_PROFILE_DEV_DEBUG_ASSERTIONS="false",
        CARGO_PROFILE_DEV_OVERFLOW_CHECKS="false",
    )
    if os.environ.get("LAB_KERNEL_LOG"):
        # Set by `cargo lab notebook`: the terminal is not the place for what cargo says while it compiles a cell.
        log = os.open(folder.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(log, 1)
        os.dup2(log, 2)
    try:
        os.execv(program, [program, "--control_file", connection_file])
    except OSError as error:
        sys.exit(f"{program}: cannot start the Rust kernel: {error}\n  what to do: run `cargo lab setup`")


if __name__ == "__main__":
    main()
