"""Runs JupyterLab for the laboratory: notebook.py ROOT PORT BROWSER, where BROWSER is `browser` or `no-browser`.

`cargo lab notebook` calls it. Everything that JupyterLab keeps is under ROOT/.lab/jupyter, so the user's own Jupyter is
neither read nor written, and it asks no other host for anything.
"""

import json
import os
import signal
import sys
from pathlib import Path


def surroundings(keep):
    """Sends JupyterLab's files to the folder `keep`; to be done before Jupyter is imported."""
    for name in list(os.environ):
        if name.startswith("JUPYTER"):
            del os.environ[name]
    os.environ.update(
        JUPYTER_CONFIG_DIR=str(keep / "config"),
        JUPYTER_DATA_DIR=str(keep / "data"),
        JUPYTER_RUNTIME_DIR=str(keep / "runtime"),
        JUPYTER_PREFER_ENV_PATH="1",
        IPYTHONDIR=str(keep / "ipython"),
        LAB_KERNEL_LOG="1",
    )
    page = keep / "config" / "labconfig" / "page_config.json"
    page.parent.mkdir(parents=True, exist_ok=True)
    # No news from elsewhere; and no search for language servers, of which there are none, nor what builds on them.
    disabled = {
        "@jupyterlab/apputils-extension:announcements": True,
        "@jupyterlab/lsp-extension": True,
        "@jupyterlab/fileeditor-extension:language-server": True,
        "@jupyterlab/notebook-extension:language-server": True,
    }
    page.write_text(json.dumps({"disabledExtensions": disabled}))
    # What a cell shows survives a reload of the page once it is saved: soon enough for live curves.
    defaults = {"@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 10}}
    page.with_name("default_setting_overrides.json").write_text(json.dumps(defaults))


def configuration(root, keep, port, browser):
    from traitlets.config import Config

    c = Config()
    c.ServerApp.ip = "127.0.0.1"
    c.ServerApp.port = port
    c.ServerApp.port_retries = 50
    c.ServerApp.root_dir = str(root)
    c.ServerApp.open_browser = browser
    c.ServerApp.allow_root = True
    c.ServerApp.log_level = "ERROR"
    c.ServerApp.jpserver_extensions = {"jupyterlab": True, "jupyter_lsp": False}
    c.LabApp.default_url = "/lab/tree/notebooks"
    c.LabApp.log_level = "ERROR"
    c.LabApp.news_url = None
    c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
    c.LabApp.extension_manager = "readonly"
    c.KernelSpecManager.ensure_native_kernel = False
    c.KernelSpecManager.allowed_kernelspecs = {"rust"}
    c.MultiKernelManager.default_kernel_name = "rust"
    c.FileCheckpoints.checkpoint_dir = str(keep / "checkpoints")
    return c


def main():
    root, port, browser = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "browser"
    keep = root / ".lab" / "jupyter"
    surroundings(keep)
    from jupyterlab.labapp import LabApp

    server = LabApp.initialize_server(argv=[], config=configuration(root, keep, port, browser))
    # It would print the address once more, in other words.
    server.log.addFilter(lambda record: "To access the server" not in record.getMessage())

    def announce():
        # By now it listens, perhaps on another port than the one that was asked for.
        token = server.identity_provider.token
        print(f"JupyterLab: http://127.0.0.1:{server.port}/lab/tree/notebooks?token={token}")
        print("Ctrl-C stops it and its kernels.", flush=True)

    # Without a question, with or without a terminal, and with its kernels.
    for name in (signal.SIGINT, signal.SIGHUP):
        signal.signal(name, lambda *_: server.stop(from_signal=True))
    server.io_loop.add_callback(announce)
    server.start()


if __name__ == "__main__":
    main()
