"""Runs the first cell of the first notebook in two new kernels, one after the other: the first compiles the crates."""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def main():
    cells = nbformat.read(NOTEBOOKS / "01-preprocessing.ipynb", 4).cells
    first = next(cell for cell in cells if cell.cell_type == "code")
    for kernel in ("first", "second"):
        begin = time.monotonic()
        book = nbformat.v4.new_notebook(cells=[first])
        resources = {"metadata": {"path": str(NOTEBOOKS)}}
        NotebookClient(book, kernel_name="rust", startup_timeout=300, resources=resources).execute()
        # A failed `?` and a panic end a cell as if all were well.
        if said := "".join(output.get("text", "") for output in book.cells[0].outputs if output.get("name") == "stderr"):
            sys.exit(f"the first cell failed:\n{said}")
        print(f"first cell of the {kernel} kernel, with its start: {time.monotonic() - begin:.1f} s", flush=True)


if __name__ == "__main__":
    main()
