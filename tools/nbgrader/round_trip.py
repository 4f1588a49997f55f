"""Gives the exercises out with nbgrader, hands in answers, marks them, and looks at the points.

    python3 tools/nbgrader/round_trip.py [NAME …]

makes a course in target/nbgrader of all assignments or of these. The released sheets must have the notebooks' blank
cells. One student hands in the solutions and must get all points. Of notebook 2, another hands in the sheet as it was
and must get none; a third answers wrong in every way that could be taken for right. It needs what `cargo lab setup`
installs, installs nbgrader beside the course, prints a line for each sheet, and exits 1 where a point is misplaced.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import make

COURSE = make.CLONE / "target" / "nbgrader"
VENV = COURSE.with_name("nbgrader-venv")
# Answers to the exercises of notebook 2, and the points that they deserve.
MISTAKEN = "02-architecture"
MISTAKES = {
    "exercise-1": ("let answer_1: usize = 3072 * 256 + 256 * 256 + 256 * 64 + 64 * 10;", 0),
    "exercise-2": ('fn my_elu_slope(z: f64) -> f64 {\n    panic!("no idea")\n}', 0),
    "exercise-3": ("fn my_backward(x: &Matrix) -> Matrix { this does not compile }", 0),
    # What would print the right words in the check's place is overwritten with the check.
    "check-4": ('println!("✓ Exercise 4: right.");', None),
    "exercise-4": ("let answer_4: Option<Dense> = Some(Dense::new(128, Activation::Sigmoid));", 0),
    "exercise-5": (None, 2),
}
# The points of each check of all that was handed in.
POINTS = """
import json
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    given = [submission for assignment in book.assignments for submission in assignment.submissions]
    points = lambda it: {grade.name: grade.score for notebook in it.notebooks for grade in notebook.grades}
    print(json.dumps([[it.assignment.name, it.student.id, points(it)] for it in given]))
"""


def nbgrader(*arguments):
    """Runs the program in the course; what it says is shown where it fails."""
    environment = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(arguments, cwd=COURSE, env=environment, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"{' '.join(arguments[:3])}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def hand_in(student, name, sources):
    """The released sheet with other sources in some cells."""
    sheet = read(COURSE / "release" / name / f"{name}-exercises.ipynb")
    for cell in sheet["cells"]:
        cell["source"] = sources.get(cell["id"], cell["source"])
    path = COURSE / "submitted" / student / name / f"{name}-exercises.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(sheet), encoding="utf-8")


def give_out(name):
    """Generates an assignment and has it answered; what each student must get for each check, and what is wrong."""
    nbgrader("nbgrader", "generate_assignment", name)
    blank = make.cells_of(make.NOTEBOOKS / f"{name}.ipynb")
    released = read(COURSE / "release" / name / f"{name}-exercises.ipynb")["cells"]
    source = make.sheet(name)["cells"]
    answers = [cell["id"] for cell in source if cell["metadata"]["nbgrader"]["solution"]]
    problems = [f"{it['id']} is not as in the notebook" for it in released
                if it["id"] in answers and "".join(it["source"]) != blank[it["id"]]]
    points = {cell["id"]: cell["metadata"]["nbgrader"].get("points") for cell in source}
    points = {check: count for check, count in points.items() if count}
    right = {cell["id"]: cell["source"] for cell in source if cell["id"] in answers}
    hand_in("right", name, right)
    expected = {"right": points}
    if name == MISTAKEN:
        hand_in("blank", name, {})
        expected["blank"] = dict.fromkeys(points, 0)
        hand_in("mistaken", name, {**right, **{cell: it[0] for cell, it in MISTAKES.items() if it[0]}})
        wanted = {cell.replace("exercise", "check"): it[1] for cell, it in MISTAKES.items() if it[1] is not None}
        expected["mistaken"] = wanted
    return expected, problems


def main(names):
    names = names or sorted(path.stem for path in make.NOTEBOOKS.glob("*.ipynb"))
    shutil.rmtree(COURSE, ignore_errors=True)
    make.main([str(COURSE), *names])
    if not (VENV / "bin" / "nbgrader").exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        pip = [VENV / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", Path(__file__).with_name("requirements.txt")], check=True)
    bad = 0
    for name in names:
        begin = time.monotonic()
        expected, problems = give_out(name)
        nbgrader("nbgrader", "autograde", name)
        given = json.loads(nbgrader("python", "-c", POINTS))
        found = {student: points for assignment, student, points in given if assignment == name}
        for student, points in expected.items():
            if found.get(student) != points:
                problems.append(f"{student}: {found.get(student)}, expected {points}")
        sums = ", ".join(f"{student} {sum(points.values()):g}" for student, points in sorted(found.items()))
        seconds = time.monotonic() - begin
        print(f"{name}: of {sum(expected['right'].values())} points {sums}; {seconds:.0f} s", flush=True)
        print("".join(f"  {problem}\n" for problem in problems), end="", flush=True)
        bad += len(problems)
    if MISTAKEN in names:
        nbgrader("nbgrader", "generate_feedback", MISTAKEN)
        page = COURSE / "feedback" / "mistaken" / MISTAKEN / f"{MISTAKEN}-exercises.html"
        if "Exercise 1: not yet." not in page.read_text(encoding="utf-8"):
            print("the feedback does not show what the checks say")
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
