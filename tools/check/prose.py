"""Finds Markdown sentences in the notebooks that depend on a run: prose.py [NOTEBOOK …]; with --self-test, that it would.

A sentence with a measured figure or a ranking belongs into a claim (`claim!`), which the run checks. The patterns below
find such sentences; those that say what no run can change stand in prose.txt, a line each. Exits 1 where another is found,
and where a line of prose.txt is in no notebook any more.
"""

import json
import re
import sys
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
ALLOWED = CLONE / "tools/check/prose.txt"
FIGURE = r"\d[\d.,]*\s*"
# What a run decides: figures with their units, durations, and rankings.
PATTERNS = {
    "a figure": re.compile(FIGURE + r"(%|percent\b|points?\b|σ)"),
    "a duration": re.compile(r"(" + FIGURE + r"|\b(a|half a|one|two|three|several) )(seconds?|minutes?)\b"),
    "a ranking": re.compile(r"\b(best|worst|wins?|winners?|fastest|slowest|beats?|outperforms?|leads)\b"),
    "a comparison": re.compile(r"\b(better|worse|faster|slower|higher|lower) than\b"),
}


def sentences(markdown):
    """The sentences of a text, without code, formulas, pictures, tables' rules and list marks."""
    text = re.sub(r"```.*?```|\$\$.*?\$\$|</?[a-z][^>]*>", " ", markdown, flags=re.S)
    text = re.sub(r"`[^`]*`|\$[^$]*\$", "…", text)
    for line in text.splitlines():
        line = re.sub(r"^\s*([#>|*-]+|\d+\.)\s*", "", line).strip()
        yield from (sentence.strip() for sentence in re.split(r"(?<=[.!?:])\s+(?=[A-Z*(])|\s\|\s", line))


def found(notebook):
    """The sentences that depend on a run, with what shows it; exercises ask the reader, and state nothing."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown" and "exercise" not in cell["metadata"].get("tags", []):
            for sentence in sentences("".join(cell["source"])):
                what = [name for name, pattern in PATTERNS.items() if pattern.search(sentence)]
                # A question states nothing, and how long a cell takes is said before it runs.
                if what and not sentence.endswith("?") and not re.search(r"\btakes? about\b", sentence):
                    yield sentence, what[0]


def check(notebooks, allowed, whole=True):
    """What is wrong, a line each; only `whole`, of all notebooks, can tell that a line of the list is not needed."""
    unused = set(allowed)
    for name, notebook in notebooks:
        for sentence, what in found(notebook):
            unused.discard(sentence)
            if sentence not in allowed:
                yield f"{name}: {what} outside of a claim: {sentence}"
    for sentence in sorted(unused) if whole else ():
        yield f"{ALLOWED.name}: in no notebook: {sentence}"


def self_test():
    def notebook(markdown, tags=()):
        cells = [{"cell_type": "markdown", "source": [markdown], "metadata": {"tags": list(tags)}}]
        return [("01-a", {"cells": cells})]

    bad = [
        "Fine. Adam reaches 45.2 % in the end.",
        "It takes 12 seconds.",
        "The reference wins.",
        "| Adam | one cycle brings 9 points |",
        "Tanh is better than sigmoid",
    ]
    for markdown in bad:
        assert len(list(check(notebook(markdown), []))) == 1, markdown
        assert not list(check(notebook(markdown, ["exercise"]), [])), markdown
    for markdown in ["Is A better than B?", "The next cell takes about a minute.", "A sentence.", "Take $30\\,\\%$ or `50 %`.", "$$\n5 \\text{ points}\n$$", "The image has 3,072 floats.", '<img alt="50 %" src="data:,2%20">']:
        assert not list(check(notebook(markdown), [])), markdown
    guess = "Guessing reaches 10 %."
    assert not list(check(notebook(guess), [guess]))
    assert list(check(notebook("Nothing."), [guess])) == [f"prose.txt: in no notebook: {guess}"]
    print("prose.py would notice")


if __name__ == "__main__":
    if "--self-test" in sys.argv:
        self_test()
        sys.exit()
    paths = [Path(name) for name in sys.argv[1:]] or sorted((CLONE / "notebooks").glob("[0-9][0-9]-*.ipynb"))
    read = [(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in paths]
    lines = ALLOWED.read_text(encoding="utf-8").splitlines()
    allowed = [line for line in lines if line.strip() and not line.startswith("# ")]
    problems = list(check(read, allowed, whole=not sys.argv[1:]))
    print("\n".join(problems) or f"{len(read)} notebooks: no sentence outside of a claim depends on a run")
    sys.exit(bool(problems))
