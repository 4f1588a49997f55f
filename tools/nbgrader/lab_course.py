"""nbgrader's settings for this laboratory; the nbgrader_config.py that make.py writes calls `configure`.

The notebooks are in Rust, so nbgrader has to be told how a comment is marked, that a first cell compiles for minutes,
where the kernel lies, and what a wrong answer looks like.
"""

import os
import re
from pathlib import Path

from nbformat.v4 import new_output
from nbgrader import preprocessors
from nbgrader.apps import NbGrader  # noqa: F401: without it the converters' defaults cannot be read
from nbgrader.converters import Autograde, GenerateAssignment

CLONE = Path(__file__).resolve().parents[2]


class ClearSolutions(preprocessors.ClearSolutions):
    """Puts the blank cell of the notebook in a solution's place, in which a value says "not answered yet"."""

    def preprocess_cell(self, cell, resources, index):
        self.code_stub = {"rust": cell.metadata.pop("lab_blank", "")}
        return super().preprocess_cell(cell, resources, index)


class Execute(preprocessors.Execute):
    """Runs a sheet in the laboratory's folder, and makes an error of each check that does not say "right".

    A check answers in its cell and does not fail, and a Rust kernel ends a cell that panics as if all were well. So the
    answer decides: no points without one, whatever the reason.
    """

    def preprocess(self, nb, resources, **kw):
        metadata = resources.setdefault("metadata", {})
        path = metadata.get("path")
        # Where `../crates/notebook`, which the first cell names, is the library.
        metadata["path"] = str(CLONE / "notebooks")
        try:
            nb, resources = super().preprocess(nb, resources, **kw)
        finally:
            metadata["path"] = path
        for cell in nb.cells:
            if cell.get("metadata", {}).get("nbgrader", {}).get("grade"):
                mark(cell)
        return nb, resources


    def on_cell_executed(self, **kw):
        """Leaves a cell's outputs as they are: the kernel's replies lack the error's name, which nbgrader looks for."""


def mark(cell):
    """Gives a check that is not right an error, and keeps what it says."""
    number = re.fullmatch(r"check-(\d+)", cell.metadata["nbgrader"]["grade_id"]).group(1)
    texts = [output.data.get("text/plain", "") for output in cell.outputs if "data" in output]
    for output in cell.outputs:
        # nbgrader takes a result for a number of points.
        if output.output_type == "execute_result":
            output.output_type = "display_data"
            del output["execution_count"]
    if not any(text.startswith(f"✓ Exercise {number}: right.") for text in texts):
        says = texts[0].split("\n")[0] if texts else "the check gave no answer"
        cell.outputs.insert(0, new_output("error", ename="NotRight", evalue=says, traceback=[says]))


def configure(c):
    c.CourseDirectory.course_id = "neural-networks"
    c.ClearSolutions.begin_solution_delimeter = "// BEGIN SOLUTION"
    c.ClearSolutions.end_solution_delimeter = "// END SOLUTION"
    # The stub is each cell's own; nbgrader wants the language to have one.
    c.ClearSolutions.code_stub = {"rust": ""}
    c.GenerateAssignment.preprocessors = replaced(GenerateAssignment.preprocessors, ClearSolutions)
    c.Autograde.autograde_preprocessors = replaced(Autograde.autograde_preprocessors, Execute)
    # Seconds: the first cell of the first sheet compiles the library.
    c.Execute.timeout = 900
    c.Execute.startup_timeout = 300
    kernels = [str(CLONE / ".lab" / "venv" / "share" / "jupyter"), os.environ.get("JUPYTER_PATH", "")]
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, kernels))


def replaced(trait, ours):
    """The preprocessors of a converter, with ours in the place of the one of the same name."""
    return [ours if it.__name__ == ours.__name__ else it for it in trait.default()]
