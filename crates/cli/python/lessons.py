"""The figures in a notebook's page that a reader can move.

A notebook says where one stands by a cell of Markdown that begins with `<!-- lesson: NAME -->`. The rest of the cell is
what stands there where nothing can be moved: in JupyterLab, on paper, without JavaScript, and in a page that was made
without Rust's target for browsers. The figure's controls and its script are `template/lessons/NAME.html` and `NAME.js`.
"""

import base64
import functools
import json
import re
import zlib
from pathlib import Path

import networks

MARKER = re.compile(r"<!-- lesson: (\w+) -->\s*")
FOLDER = Path(__file__).parent / "template/lessons"
UNSCRIPTED = '<noscript><p class="note">That needs JavaScript.</p></noscript>\n'
# The scripts of each figure, beside what all of them share.
SCRIPTS = {"valley": ["valley"], "layers": ["layers"], "playground": ["points", "playground"]}


def marked(source):
    """The name of the figure that a cell of Markdown stands for, or None."""
    found = MARKER.match(source)
    return found and found[1]


@functools.cache
def module():
    """The library for these figures, as JSON of its deflated bytes in base64."""
    return json.dumps(base64.b64encode(zlib.compress(networks.module("lab-lessons"), 9)).decode())


def read(name):
    return (FOLDER / name).read_text(encoding="utf-8")


def place(blocks, saved):
    """Puts each figure around the block that marks it. Returns the style, the script and the module that they need.

    They are empty where there is no figure, or none can move; the page then says why.
    """
    places = [block for block in blocks if block.get("lesson")]
    if not places:
        return "", "", ""
    try:
        if saved:
            raise networks.Missing("it was made from saved notebooks; “cargo lab report” makes one whose figures move")
        code = module()
    except networks.Missing as missing:
        for block in places:
            block["html"] += f'<p class="note">In this page the figure stands still: {missing}.</p>\n'
        return "", "", ""
    for block in places:
        name, still = block["lesson"], block["html"]
        moving = read(f"{name}.html")
        html = f'<section class="lesson {name}" data-lesson="{name}">\n<div class="prose still">\n{still}{UNSCRIPTED}</div>\n'
        block |= {"kind": "lesson", "html": f'{html}<div class="moving" hidden>\n{moving}</div>\n</section>'}
    scripts = ["common", *(script for block in places for script in SCRIPTS[block["lesson"]]), "start"]
    script = "\n".join(read(f"{script}.js") for script in scripts)
    return read("lessons.css"), f'"use strict";\n(() => {{\n{script}}})();\n', code
