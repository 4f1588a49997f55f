"""Writes pages of notebooks that have run, and times.csv: page.py ORDER.

ORDER is a file with a JSON object: `folder` to write into, `outputs` with the pages of earlier reports and the tables of the
runs, whether this is the `sample`, whether only because the data set could not be had (`without_data`), whether nothing was
run and the pages show the outputs `saved` in the notebooks, and `pages`, one for each notebook of the course, with `name`,
`source` (the notebook), `executed` (the same with outputs, or null) and `save` (write the notebook with its outputs too).
"""

import csv
import json
import os
import re
import sys
from datetime import datetime, timezone
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from jinja2 import FileSystemLoader
from nbconvert.exporters import TemplateExporter

import lessons
import networks
from render import Heading, Markdown, code, output

TEMPLATE = Path(__file__).parent / "template"
REPORT = "report"
NUMBER = re.compile(r"^\d+\.\s+")


class PageExporter(TemplateExporter):
    """A notebook in our own markup, with all that it needs in one file."""

    file_extension = ".html"
    template_file = "page.html.j2"
    preprocessors = []

    def __init__(self):
        super().__init__(extra_loaders=[FileSystemLoader(TEMPLATE)])

    def _create_environment(self):
        environment = super()._create_environment()
        environment.autoescape = True
        environment.trim_blocks = environment.lstrip_blocks = True
        environment.filters["duration"] = duration
        return environment


def duration(seconds):
    """3.2 s; 4 min 05 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s"


def read_template(name):
    return (TEMPLATE / name).read_text(encoding="utf-8")


def title_of(notebook):
    """The text of the first heading."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                if line.startswith("# "):
                    return BeautifulSoup(Markdown().render(line), "html.parser").get_text().removesuffix("#").strip()
    return "Notebook"


def short(name):
    """03-loss-comparison: ("3", "Loss comparison")."""
    number, _, words = name.partition("-")
    words = words.replace("-", " ").capitalize() + (" with code" if words == REPORT else "")
    return number.lstrip("0") or number, words


def description_of(html):
    """The first sentences of the text, for search results and previews."""
    paragraph = BeautifulSoup(html, "html.parser").find(["p", "li"])
    words = paragraph.get_text(" ", strip=True).split() if paragraph else []
    text = ""
    for word in words:
        if len(text) + len(word) > 155:
            return text + " …"
        text = f"{text} {word}".strip()
    return text


def blocks_of(notebook, markdown, report):
    """The cells as (kind, …) for the template; a report has neither code, nor what was only printed, nor exercises."""
    for cell in notebook.cells:
        if report and "exercise" in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "markdown":
            lesson = lessons.marked(cell.source)
            yield {"kind": "text", "html": markdown.render(lessons.MARKER.sub("", cell.source)), "lesson": lesson}
        elif cell.cell_type == "code" and cell.source.strip():
            number = cell.execution_count
            outputs = [html for o in cell.outputs if (html := output(o, number, rich_only=report))]
            if not report or outputs:
                source = None if report else code(cell.source, "rust")
                hidden = cell.metadata.get("jupyter", {}).get("source_hidden", False)
                yield {"kind": "cell", "number": number, "source": source, "hidden": hidden, "outputs": outputs}


def split_lead(blocks):
    """The blocks before the first section, and the rest: the table of contents stands between them."""
    for index, block in enumerate(blocks):
        before, heading, after = block.get("html", "").partition("<h2")
        if heading:
            lead = blocks[:index] + ([{"kind": "text", "html": before}] if before.strip() else [])
            return lead, [{"kind": "text", "html": heading + after}, *blocks[index + 1 :]]
    return blocks, []


def write_page(exporter, order, pages, page, name):
    """Writes one page; `pages` are those that can be linked to."""
    notebook = nbformat.read(page["executed"], 4)
    report = name == REPORT
    markdown = Markdown(Path(os.path.relpath(Path(page["source"]).parent, order["outputs"])).as_posix())
    blocks = list(blocks_of(notebook, markdown, report))
    title = markdown.headings[0].text if markdown.headings else title_of(notebook)
    if report and blocks:
        # It is handed in by itself: not the sixth of anything.
        title = NUMBER.sub("", title)
        blocks[0] |= {"html": re.sub(r"(<h1[^>]*>)\d+\.\s+", r"\1", blocks[0].get("html", ""))}
    lead, rest = split_lead(blocks)
    more, script, module = lessons.place(rest, order["saved"])
    style, live, without = read_template("page.css") + more, None, None
    if report:
        try:
            room = networks.LARGEST - len(style) - sum(len(str(block).encode()) for block in blocks)
            live = networks.parts(Path(order["outputs"]), order["saved"], room)
            style, script = style + read_template("networks.css"), read_template("networks.js")
            markdown.headings.append(Heading(2, "try-it", "Try it", "Try it"))
        except networks.Missing as missing:
            without = str(missing)
    index = pages.index(page)
    text = "".join(block.get("html", "") for block in blocks)
    resources = {
        "name": name,
        "report": report,
        "title": title,
        "description": description_of(text),
        "contents": [h for h in markdown.headings if h.level in (2, 3)],
        "lead": lead,
        "blocks": rest,
        "pages": pages,
        "previous": None if report or index == 0 else pages[index - 1],
        "next": None if report or index + 1 == len(pages) else pages[index + 1],
        "has_report": pages[-1]["linked"] and pages[-1]["name"].endswith(REPORT),
        "origin": origin(order["runs"], page["name"]),
        "saved": order["saved"],
        "not_run": sum(1 for c in notebook.cells if c.cell_type == "code" and c.source.strip() and not c.execution_count),
        "sample": order["sample"],
        "without_data": order["without_data"],
        "style": style,
        "script": script,
        "policy": networks.policy(script),
        "networks": live,
        "module": module,
        "without_networks": without,
    }
    html, _ = exporter.from_notebook_node(notebook, resources={"page": resources})
    (Path(order["folder"]) / f"{name}.html").write_text(html, encoding="utf-8")


def read_runs(path):
    """The lines of a runs.jsonl; none where there is no file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def origin(runs, name):
    """When and on what the runs of a notebook were trained: those that begin with its number; all for the report."""
    own = [run for run in runs if name.endswith(REPORT) or run["run"].startswith(name[:3])]
    if not own:
        return None
    ends = [datetime.fromtimestamp(run["finished"], timezone.utc) for run in own]
    days = [f"{end.day} {end:%B %Y}" for end in (min(ends), max(ends))]
    machines = {f"{run['machine']['instructions']} with {run['machine']['threads']} threads" for run in own}
    return {
        "count": len(own),
        "from": f"{days[0]}, {min(ends):%H:%M}",
        "to": f"{max(ends):%H:%M}" if days[0] == days[1] else f"{days[1]}, {max(ends):%H:%M}",
        "versions": ", ".join(sorted({run["lab"] for run in own})),
        "machines": ", ".join(sorted(machines)),
    }


TIMES = ["notebook", "seconds", "first_cell_seconds"]


def read_times(path):
    """The rows of a times.csv: {name: (seconds, seconds of the first cell)}; none where there is no file."""
    if not path.exists():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    if rows[:1] != [TIMES]:
        sys.exit(f"{path}: found {rows[:1]}, expected {TIMES}\n  what to do: delete it and run the report again")
    return {name: (float(seconds), float(first)) for name, seconds, first in rows[1:]}


def write_times(path, times):
    with open(path, "w", newline="", encoding="utf-8") as file:
        rows = [[name, f"{seconds:.1f}", f"{first:.1f}"] for name, (seconds, first) in sorted(times.items())]
        csv.writer(file, lineterminator="\n").writerows([TIMES, *rows])


def main():
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder, outputs, pages = Path(order["folder"]), Path(order["outputs"]), order["pages"]
    times, order["runs"] = read_times(outputs / "times.csv"), read_runs(outputs / "runs.jsonl")
    for page in pages:
        notebook = nbformat.read(page["executed"] or page["source"], 4)
        if page["executed"] and (ran := notebook.metadata.get("lab")):
            # As the file keeps them, so that pages of saved notebooks say the same.
            times[page["name"]] = (round(ran.seconds, 1), round(ran.first, 1))
        page["number"], page["short"] = short(page["name"])
        page["title"] = title_of(notebook)
        page["times"] = times.get(page["name"])
        page["linked"] = bool(page["executed"]) or (outputs / f"{page['name']}.html").exists()
    write_times(folder / "times.csv", {page["name"]: page["times"] for page in pages if page["times"]})
    exporter = PageExporter()
    for page in pages:
        if page["executed"]:
            write_page(exporter, order, pages, page, page["name"])
        if page["save"]:
            notebook = nbformat.read(page["executed"], 4)
            notebook.metadata.pop("lab", None)
            nbformat.write(notebook, folder / "notebooks" / f"{page['name']}.ipynb")
    # The last notebook is the report: once more, without its code, as the page to hand in.
    if pages[-1]["name"].endswith(REPORT) and pages[-1]["executed"]:
        write_page(exporter, order, pages, pages[-1], REPORT)


if __name__ == "__main__":
    main()
