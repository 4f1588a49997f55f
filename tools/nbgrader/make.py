"""Makes an nbgrader course of the notebooks' exercises.

    python3 tools/nbgrader/make.py COURSE [NAME …]

writes COURSE/nbgrader_config.py and, for each notebook, COURSE/source/NAME/NAME-exercises.ipynb: its exercises with the
solutions between nbgrader's marks, and its checks with their points. All of that is taken from notebooks/ and
notebooks/solutions/, which stay the only source. Needs nothing but Python; docs/teaching.md says how to go on.
"""

import json
import re
import sys
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
NOTEBOOKS = CLONE / "notebooks"
BEGIN, END = "// BEGIN SOLUTION", "// END SOLUTION"
# Where the sheets lie with students, below the clone: any folder beside notebooks/.
LIBRARY = ("../../crates/notebook", "../crates/notebook")
# The sheets' data, whatever a student has fetched: everybody's training gets the same images, and the same bits.
DATA = ("let lab = Lab::open()?;\nlet cifar = lab.cifar10()?;", "let cifar = Cifar10::sample();")
CONFIG = '''# Made by tools/nbgrader/make.py; the settings are in lab_course.py beside it.
import sys

sys.path.insert(0, {folder!r})
import lab_course

lab_course.configure(get_config())  # noqa: F821
'''


def cells_of(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return {cell["id"]: "".join(cell["source"]) for cell in cells}


def marked(blank, solution):
    """The solution with marks around what is not in the blank cell, and what the blank cell has there."""
    blank, solution = blank.split("\n"), solution.split("\n")
    shorter = min(len(blank), len(solution))
    first = next((n for n in range(shorter) if blank[n] != solution[n]), shorter)
    rest = shorter - first
    last = next((n for n in range(rest) if blank[-1 - n] != solution[-1 - n]), rest)
    stub, answer = blank[first : len(blank) - last], solution[first : len(solution) - last]
    indent = re.match(r" *", answer[0]).group()
    if not all(line.startswith(indent) for line in stub):
        indent = ""
    lines = [*solution[:first], indent + BEGIN, *answer, indent + END, *solution[len(solution) - last :]]
    return "\n".join(lines), "\n".join(line.removeprefix(indent) for line in stub)


def cell(name, source, points=None, blank=None):
    """A cell with nbgrader's metadata: a check if it has points, an answer if it has a blank, or else read only."""
    solution = blank is not None
    grading = {
        "grade": points is not None,
        "grade_id": name,
        "locked": not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if points is not None:
        grading["points"] = points
    metadata = {"nbgrader": grading}
    if solution:
        metadata["lab_blank"] = blank
    kind = {"cell_type": "markdown"}
    if not name.endswith(("text", "title")):
        kind = {"cell_type": "code", "execution_count": None, "outputs": []}
    return {**kind, "id": name, "metadata": metadata, "source": source}


def sheet(name):
    """The exercises of a notebook. Its last one, in which something is trained, counts two points, the others one."""
    asked, solved = cells_of(NOTEBOOKS / f"{name}.ipynb"), cells_of(NOTEBOOKS / "solutions" / f"{name}.ipynb")
    title = f"# The exercises of notebook {int(name[:2])}: {name[3:].replace('-', ' ')}\n\n"
    title += asked["exercises-heading"].split("\n\n", 1)[1]
    cells = [cell("sheet-title", title.replace("; solutions are in `notebooks/solutions/`", ""))]
    cells.append(cell("exercises", solved["exercises"].replace(*LIBRARY).replace(*DATA)))
    count = sum(re.fullmatch(r"check-\d+", name) is not None for name in asked)
    for number in range(1, count + 1):
        exercise, check = f"exercise-{number}", f"check-{number}"
        source, blank = marked(asked[exercise], solved[exercise])
        cells.append(cell(f"{exercise}-text", asked[f"{exercise}-text"]))
        cells.append(cell(exercise, source, blank=blank))
        cells.append(cell(check, solved[check], points=2 if number == count else 1))
    metadata = {
        "kernelspec": {"display_name": "Rust", "language": "rust", "name": "rust"},
        "language_info": {"file_extension": ".rs", "mimetype": "text/rust", "name": "Rust"},
    }
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def main(arguments):
    if not arguments or arguments[0].startswith("-"):
        print(__doc__)
        return 2
    course = Path(arguments[0])
    names = arguments[1:] or sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
    for name in names:
        folder = course / "source" / name
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(sheet(name), indent=1, ensure_ascii=False) + "\n"
        (folder / f"{name}-exercises.ipynb").write_text(text, encoding="utf-8")
    folder = str(Path(__file__).resolve().parent)
    (course / "nbgrader_config.py").write_text(CONFIG.format(folder=folder), encoding="utf-8")
    print(f"{len(names)} assignments in {course / 'source'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
