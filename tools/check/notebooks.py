"""Checks the committed notebooks: notebooks.py [--unrun] [NOTEBOOK …]; with --self-test, that it would notice.

A notebook that goes into the repository has run without an error or a warning, holds no path of the machine that it ran
on, has its cells numbered in order, prints no more than a screen in a cell, has no cell too long or wide to read, and
names our kernel. With --unrun it may be without outputs, and of any length. Every section that docs/original-lab.md links to exists.
"""

import copy
import json
import re
import sys
from pathlib import Path
from urllib.parse import unquote

CLONE = Path(__file__).resolve().parents[2]
TASKS = CLONE / "docs/original-lab.md"
SCREEN = 30
LONGEST, WIDEST = 25, 96
LARGEST = 8_000_000
KERNEL = {"display_name": "Rust", "language": "rust", "name": "rust"}
# Home folders, temporary folders, drives: what a path begins with on somebody's machine, and nowhere in a text.
PATHS = re.compile(r"(?<![\w.~/])(/(home|Users|root|tmp|var/folders|private|mnt|work)/[\w.-]+|[A-Z]:\\\\?\w+)")


def text_of(value):
    return "".join(value) if isinstance(value, list) else value


def texts_of(output):
    """What an output shows as text; pictures are no text."""
    yield text_of(output.get("text", ""))
    for mime, value in output.get("data", {}).items():
        if mime.startswith("text/"):
            yield re.sub(r"data:image/[^\"']*", "", text_of(value))


def problems_of(notebook, unrun=False):
    """What is wrong with a notebook, a sentence each."""
    metadata = notebook.get("metadata", {})
    if metadata.get("kernelspec") != KERNEL:
        yield f"the kernel is {metadata.get('kernelspec')}, expected {KERNEL}"
    if metadata.get("language_info", {}).get("name", "").lower() != "rust":
        yield "the language is not Rust"
    if extra := set(metadata) - {"kernelspec", "language_info"}:
        yield f"metadata of somebody's editor: {', '.join(sorted(extra))}"
    if (notebook.get("nbformat"), notebook.get("nbformat_minor")) != (4, 5):
        yield "the format is not 4.5"
    ids = [cell.get("id") for cell in notebook["cells"]]
    if None in ids or len(set(ids)) < len(ids):
        yield "a cell without an id of its own"
    if str(CLONE) in json.dumps(notebook, ensure_ascii=False):
        yield "the path of this clone"
    last = None
    for number, cell in enumerate(notebook["cells"]):
        place = f"cell {cell.get('execution_count') or number}"
        if "execution" in cell.get("metadata", {}):
            yield f"{place}: times of execution"
        for text in [text_of(cell["source"]), *(t for o in cell.get("outputs", []) for t in texts_of(o))]:
            if found := PATHS.search(text):
                yield f"{place}: a path of somebody's machine: {found.group()}"
        if cell["cell_type"] != "code" or not text_of(cell["source"]).strip():
            continue
        source = text_of(cell["source"]).splitlines()
        if len(source) > LONGEST and not unrun:
            yield f"{place}: {len(source)} lines, more than {LONGEST}"
        if (wide := max(map(len, source))) > WIDEST and not unrun:
            yield f"{place}: a line of {wide} characters, more than {WIDEST}"
        count = cell.get("execution_count")
        if count is None and not unrun:
            yield f"{place}: has not run"
        elif count is not None and last is not None and count != last + 1:
            yield f"{place}: its number does not follow {last}"
        last = count if count is not None else last
        lines = 0
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                yield f"{place}: an error"
            elif output.get("name") == "stderr":
                yield f"{place}: text on standard error"
            elif output["output_type"] == "stream":
                lines += len(text_of(output["text"]).splitlines())
        if lines > SCREEN:
            yield f"{place}: prints {lines} lines, more than the {SCREEN} of a screen"


def check(path, unrun):
    raw = path.read_text(encoding="utf-8")
    found = list(problems_of(json.loads(raw), unrun))
    if not raw.endswith("\n"):
        found.append("no line break at the end")
    if len(raw) > LARGEST:
        found.append(f"{len(raw) / 1e6:.1f} MB, more than 8")
    for problem in found:
        print(f"{path.name}: {problem}")
    return len(found)


def headings(notebook):
    """What JupyterLab calls the sections of a notebook in an address."""
    markdown = "\n".join(text_of(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    without_code = re.sub(r"^```.*?^```", "", markdown, flags=re.S | re.M)
    return {heading.strip().replace(" ", "-") for heading in re.findall(r"^#+ (.*)", without_code, flags=re.M)}


def broken_links(markdown, sections):
    """The links to sections of notebooks that do not exist; `sections` has those of each notebook by its file's name."""
    links = re.findall(r"\]\(\.\./notebooks/([^)#]+)#?([^)]*)\)", markdown)
    if not links:
        yield "no link to a notebook"
    for name, section in links:
        if name not in sections or section and unquote(section) not in sections[name]:
            yield f"no such section: {name}#{section}"


def good():
    return {
        "cells": [
            {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# One\n", "and/or 1/2, ../data, https://a.b/tmp"]},
            {
                "cell_type": "code",
                "id": "b",
                "metadata": {},
                "execution_count": 2,
                "source": 'let cifar = Cifar10::open("../data")?;',
                "outputs": [{"output_type": "stream", "name": "stdout", "text": ["fine\n"] * SCREEN}],
            },
            {
                "cell_type": "code",
                "id": "c",
                "metadata": {},
                "execution_count": 3,
                "source": "1 + 1",
                "outputs": [{"output_type": "execute_result", "data": {"text/plain": "2", "text/html": "<b>2</b>"}}],
            },
        ],
        "metadata": {"kernelspec": dict(KERNEL), "language_info": {"name": "Rust"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def self_test():
    """Every breakage of a good notebook is noticed, and by the right sentence."""
    breakages = {
        "an error": lambda n: n["cells"][2]["outputs"].append({"output_type": "error", "traceback": []}),
        "standard error": lambda n: n["cells"][1]["outputs"][0].update(name="stderr"),
        "/home/ada": lambda n: n["cells"][1]["outputs"][0].update(text="in /home/ada/lab"),
        "/tmp/x": lambda n: n["cells"][2]["outputs"][0]["data"].update({"text/html": ["<p>/tmp/x</p>"]}),
        "C:\\Users": lambda n: n["cells"][2].update(source='let path = "C:\\Users\\ada";'),
        "path of this clone": lambda n: n["cells"][0].update(source=str(CLONE)),
        "kernel is": lambda n: n["metadata"]["kernelspec"].update(name="python3"),
        "not Rust": lambda n: n["metadata"]["language_info"].update(name="python"),
        "editor: widgets": lambda n: n["metadata"].update(widgets={}),
        "not 4.5": lambda n: n.update(nbformat_minor=4),
        "id of its own": lambda n: n["cells"][2].update(id="b"),
        "times of execution": lambda n: n["cells"][1]["metadata"].update(execution={}),
        "has not run": lambda n: n["cells"][2].update(execution_count=None),
        "does not follow 2": lambda n: n["cells"][2].update(execution_count=5),
        "26 lines": lambda n: n["cells"][2].update(source="1;\n" * 26),
        "97 characters": lambda n: n["cells"][2].update(source="1" * 97),
        "prints 31 lines": lambda n: n["cells"][1]["outputs"][0]["text"].append("more\n"),
    }
    assert list(problems_of(good())) == [], list(problems_of(good()))
    for sentence, breakage in breakages.items():
        notebook = copy.deepcopy(good())
        breakage(notebook)
        found = list(problems_of(notebook))
        assert any(sentence in problem for problem in found), f"{sentence!r} is not noticed: {found}"
    unrun = good()
    for cell in unrun["cells"][1:]:
        cell.update(execution_count=None, outputs=[])
    assert list(problems_of(unrun, unrun=True)) == []
    sections = {"1.ipynb": headings({"cells": [{"cell_type": "markdown", "source": "# One\n## And a half?\n```\n# no\n```"}]})}
    assert sections == {"1.ipynb": {"One", "And-a-half?"}}, sections
    assert not list(broken_links("[a](../notebooks/1.ipynb#And-a-half?) [b](../notebooks/1.ipynb)", sections))
    for link in ["1.ipynb#no", "2.ipynb", "1.ipynb#one"]:
        assert list(broken_links(f"[a](../notebooks/{link})", sections)), link
    assert list(broken_links("nothing", sections))
    print(f"{len(breakages)} kinds of breakage are noticed")


def main(arguments):
    if "--self-test" in arguments:
        self_test()
        return 0
    paths = [Path(a) for a in arguments if not a.startswith("--")] or sorted((CLONE / "notebooks").glob("*.ipynb"))
    if not paths:
        print("no notebooks")
        return 1
    problems = sum(check(path, "--unrun" in arguments) for path in paths)
    sections = {path.name: headings(json.loads(path.read_text(encoding="utf-8"))) for path in (CLONE / "notebooks").glob("*.ipynb")}
    for problem in broken_links(TASKS.read_text(encoding="utf-8"), sections):
        print(f"{TASKS.name}: {problem}")
        problems += 1
    print(f"{len(paths)} notebooks: {f'{problems} problems' if problems else 'all in order'}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
