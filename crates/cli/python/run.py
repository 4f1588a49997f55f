"""Runs one notebook in a new kernel: run.py NOTEBOOK EXECUTED.

The notebook runs in the current folder. What happens is told on standard output, a JSON object a line; the notebook with
its outputs is written to EXECUTED only when every cell succeeded; when one failed, the exit status is 1. The kernel ends with this program, and this program with whoever holds the other end of its standard input.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path
from queue import Empty

import nbformat
from jupyter_core.utils import ensure_async
from nbclient import NotebookClient
from nbclient.client import CellExecutionComplete
from nbclient.exceptions import DeadKernelError

METADATA = {
    "kernelspec": {"display_name": "Rust", "language": "rust", "name": "rust"},
    "language_info": {
        "codemirror_mode": "rust",
        "file_extension": ".rs",
        "mimetype": "text/rust",
        "name": "Rust",
        "pygments_lexer": "rust",
    },
}
# How a cell fails: an error, text on standard error, or the end of the kernel.
FAILURES = {
    "error": "failed",
    "stderr": "wrote to standard error, as a panic and a failed `?` do",
    "died": "ended the kernel",
}
ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07")


# The kernel inherits standard output and prints there as it likes: events leave through a descriptor of their own.
EVENTS = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}, ensure_ascii=False), file=EVENTS, flush=True)


# What a cell prints may reach us after the news that it has ended. So long nothing must have come before the next begins.
QUIET = 0.05


class Client(NotebookClient):
    """Tells what a cell prints while it prints it, and gives a cell what comes late."""

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.owners = {}

    def output(self, outs, msg, display_id, cell_index):
        content = msg["content"]
        if msg["msg_type"] == "stream" and content.get("name") == "stdout":
            lines = ANSI.sub("", content.get("text", "")).strip().splitlines()
            if lines:
                tell("text", line=lines[-1][:200])
        return super().output(outs, msg, display_id, cell_index)

    async def _async_poll_output_msg(self, parent_msg_id, cell, cell_index):
        self.owners[parent_msg_id] = (cell, cell_index)
        while not await self.pass_on(None, parent_msg_id):
            pass

    async def pass_on(self, timeout, awaited=None):
        """Gives the next message to the cell that it belongs to; whether it ends the awaited cell."""
        message = await ensure_async(self.kc.iopub_channel.get_msg(timeout=timeout))
        parent = message["parent_header"].get("msg_id")
        if parent in self.owners:
            try:
                self.process_message(message, *self.owners[parent])
            except CellExecutionComplete:
                return parent == awaited
        return False

    async def wait_for_late_output(self):
        try:
            while True:
                await self.pass_on(QUIET)
        except Empty:
            pass
        for cell, _ in self.owners.values():
            merge_streams(cell)


def merge_streams(cell):
    """One output for all that a cell wrote to standard output, and one for standard error."""
    streams, outputs = {}, []
    for output in cell.outputs:
        name = output.get("name") if output.output_type == "stream" else None
        if name in streams:
            streams[name].text += output.text
        else:
            outputs.append(output)
            streams.update({name: output} if name else {})
    cell.outputs = outputs


def kernel_of(client):
    return getattr(getattr(client.km, "provisioner", None), "pid", None)


def end_kernel(pid):
    """Ends a kernel with everything it has started: it leads a process group, its compilers and its cell are in it."""
    if pid:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)


def stop_when_alone(stop):
    """Calls `stop` when the other end of standard input is closed, however that came about."""

    def wait():
        try:
            while os.read(0, 4096):
                pass
        finally:
            stop()

    threading.Thread(target=wait, daemon=True).start()


def failure(cell):
    """What went wrong in a cell, as (kind, message): an error, or any text on standard error."""
    for output in cell.outputs:
        if output.output_type == "error":
            text = "\n".join(output.traceback) or f"{output.ename}: {output.evalue}"
            return "error", text
    # A panic and a `?` that fails end a cell as if all were well; they are seen on standard error only.
    text = "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stderr")
    return ("stderr", text) if text.strip() else None


def normalize(notebook, root):
    """What another run on another machine would write too: no times, no paths, nothing that only an editor needs."""
    home = os.path.expanduser("~")

    def portable(text):
        text = text.replace(str(root), "..")
        return text.replace(home + os.sep, "~" + os.sep) if len(home) > 1 else text

    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen = set()
    for index, cell in enumerate(notebook.cells):
        if not cell.get("id") or cell.id in seen:
            cell.id = f"cell-{index:02d}"
        seen.add(cell.id)
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in ("tags", "jupyter")})
        if cell.cell_type == "code" and not cell.source.strip():
            cell.outputs, cell.execution_count = [], None
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                output.text = portable(output.text)
            for mime, content in output.get("data", {}).items():
                if mime.startswith("text/") and isinstance(content, str):
                    output.data[mime] = portable(content)
            if "metadata" in output:
                output.metadata = {}


async def run(path, executed):
    notebook = nbformat.read(path, 4)
    code = [(i, c) for i, c in enumerate(notebook.cells) if c.cell_type == "code" and c.source.strip()]
    tell("start", cells=len(code))
    folder = str(Path.cwd())
    client = Client(
        notebook,
        timeout=None,
        kernel_name="rust",
        allow_errors=True,
        record_timing=False,
        resources={"metadata": {"path": folder}},
    )

    def stop():
        end_kernel(kernel_of(client))
        os._exit(130)

    stop_when_alone(stop)
    begin = time.monotonic()
    first = None
    cell = kernel = None
    # evcxr counts from 2. What is told of a failure is the number that a reader of the notebook sees: the kernel's.
    shown = 0
    try:
        async with client.async_setup_kernel():
            kernel = kernel_of(client)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, stop)
            for number, (index, cell) in enumerate(code, 1):
                cell.outputs, cell.execution_count = [], None
                tell("cell", number=number, head=cell.source.strip().splitlines()[0])
                start = time.monotonic()
                await client.async_execute_cell(cell, index)
                tell("end", number=number, seconds=time.monotonic() - start)
                first = first or time.monotonic() - begin
                shown = cell.execution_count or number
                await client.wait_for_late_output()
                for _, done in code[:number]:
                    if what := failure(done):
                        tell_failure(done.execution_count, done.source.strip().splitlines(), *what)
                        return 1
    except (DeadKernelError, RuntimeError) as error:
        shown = (cell.execution_count or shown + 1) if cell else 0
        tell_failure(shown, cell.source.strip().splitlines() if cell else [], "died", str(error))
        return 1
    finally:
        end_kernel(kernel)
    seconds = time.monotonic() - begin
    normalize(notebook, Path.cwd().parent)
    times = {"cells": len(code), "seconds": round(seconds, 2), "first": round(first or seconds, 2)}
    notebook.metadata["lab"] = times
    nbformat.write(notebook, executed + ".part")
    os.replace(executed + ".part", executed)
    tell("done", **times)
    return 0


def tell_failure(number, source, kind, message):
    message = re.sub(r"^stack backtrace:\n(?:[ ].*\n)*(?:note: .*\n?)?", "", ANSI.sub("", message), flags=re.M)
    lines = [line.rstrip() for line in message.strip().splitlines()]
    if len(lines) > 40:
        lines[40:] = [f"… {len(lines) - 40} lines more"]
    head = [f"| {line}" for line in source[:3] + (["…"] if len(source) > 3 else [])]
    what = f"cell [{number}] {FAILURES[kind]}" if number else "the kernel did not start"
    tell("failed", number=number, kind=kind, message=lines, text="\n  ".join([what, *head, *lines]))


if __name__ == "__main__":
    sys.exit(asyncio.run(run(*sys.argv[1:3])))
