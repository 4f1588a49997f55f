"""The parts of a page: text, formulas, code, and what cells have shown."""

import base64
import posixpath
import re
import struct
from html import escape
from typing import NamedTuple

from bs4 import BeautifulSoup
from nbconvert.filters import ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from formula import formula

# Wider than the text of a telephone: such a figure scrolls in its card rather than shrink until nobody can read it.
WIDE = 560


class Heading(NamedTuple):
    level: int
    id: str
    text: str
    html: str


def code(source, language):
    """Source text in colours, as the inside of a <code>."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return escape(source)
    return highlight(source, lexer, HtmlFormatter(nowrap=True))


class Renderer(IPythonRenderer):
    """Markdown as HTML: formulas become MathML, and headings are remembered for the table of contents."""

    def __init__(self, headings, notebooks):
        super().__init__(escape=False, exclude_anchor_links=True)
        self.headings, self.notebooks = headings, notebooks

    def heading(self, text, level, **attrs):
        plain = BeautifulSoup(text, "html.parser")
        for math in plain.find_all("math"):
            math.unwrap()
        plain = plain.get_text()
        slug = re.sub(r"[^\w]+", "-", plain.lower()).strip("-") or "section"
        taken = sum(1 for heading in self.headings if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", heading.id))
        slug = f"{slug}-{taken + 1}" if taken else slug
        self.headings.append(Heading(level, slug, plain, re.sub(r"</?a\b[^>]*>", "", text)))
        link = f'<a class="anchor" href="#{slug}" aria-label="Link to this section">#</a>'
        return f'<h{level} id="{slug}">{text} {link}</h{level}>\n' if level > 1 else f'<h1 id="{slug}">{text}</h1>\n'

    def block_code(self, code_text, info=None):
        language = info.split(maxsplit=1)[0] if info and info.strip() else "text"
        return f'<pre class="source" tabindex="0"><code>{code(code_text.rstrip(), language)}</code></pre>\n'

    def block_math(self, body):
        return f'<span class="formula" tabindex="0">{formula(body, "block")}</span>'

    def latex_environment(self, name, body):
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def inline_math(self, body):
        math = formula(body, "inline")
        # What may be wider than a telephone can be made to scroll there.
        is_long = len(re.sub(r"<[^>]*>", "", math)) > 24
        return f'<span class="long">{math}</span>' if is_long else math

    def link(self, text, url, title=None):
        # In JupyterLab a notebook refers to another; here its page to that one's page.
        url = re.sub(r"^([\w./-]+)\.ipynb(?=#|$)", r"\1.html", url)
        if url.startswith("../"):
            url = posixpath.normpath(posixpath.join(self.notebooks, url))
        return super().link(text, url, title)


class Markdown:
    """All the text of one page: its headings have names of their own.

    `notebooks` is the folder of the notebooks as seen from the page's, for links to files outside of it.
    """

    def __init__(self, notebooks="."):
        self.headings, self.notebooks = [], notebooks

    def render(self, source):
        return tidy(MarkdownWithMath(renderer=Renderer(self.headings, self.notebooks)).render(source))


def tidy(html):
    """Gives each table a box that it can scroll in, and each picture its size before it is drawn; scripts are for notebooks."""
    if not any(tag in html for tag in ("<table", "<img", "<script")):
        return html
    soup = BeautifulSoup(html, "html.parser")
    for script in soup.find_all("script"):
        script.decompose()
    for table in soup.find_all("table"):
        if not table.find_parent("table"):
            table.wrap(soup.new_tag("div", attrs={"class": "scroll", "tabindex": "0"}))
    for image in soup.find_all("img"):
        image["loading"], image["decoding"] = "lazy", "async"
        if size := png_size(image.get("src", "")):
            width = float(image.get("width") or size[0])
            image["width"], image["height"] = f"{width:.0f}", f"{width * size[1] / size[0]:.0f}"
            card = soup.new_tag("div", attrs={"class": "figure wide" if width > WIDE else "figure", "tabindex": "0"})
            image.wrap(card)
    return soup.decode(formatter="minimal")


def png_size(url):
    """Width and height of a PNG in a data URL, from its header."""
    head, _, data = url.partition(",")
    if head != "data:image/png;base64":
        return None
    header = base64.b64decode(data[:64].replace("\n", "") + "==", validate=False)[:24]
    return struct.unpack(">II", header[16:24]) if header[:8] == b"\x89PNG\r\n\x1a\n" else None


def output(item, number, rich_only):
    """What a cell has shown, as HTML; nothing for what is only printed, where only rich outputs are wanted."""
    if item.output_type in ("stream", "error"):
        text = item.text if item.output_type == "stream" else "\n".join(item.traceback)
        return "" if rich_only else printed(text)
    data = item.get("data", {})
    # Curves that follow a training have no server to ask here; the notebook shows them again once they are finished.
    if 'class="lab-live"' in data.get("text/html", ""):
        return ""
    if "text/html" in data:
        return f'<div class="rich">{tidy(data["text/html"])}</div>'
    if "text/markdown" in data:
        # Headings of a cell's output are not sections of the page.
        return f'<div class="prose">{Markdown().render(data["text/markdown"])}</div>'
    for kind in ("image/png", "image/jpeg", "image/svg+xml"):
        if kind in data:
            content = data[kind]
            if kind == "image/svg+xml":
                content = base64.b64encode(content.encode()).decode()
            alt = data.get("text/plain", "").strip() or f"Figure of cell {number}"
            url = f"data:{kind};base64,{''.join(content.split())}"
            return f'<div class="rich">{tidy(f"""<img src="{url}" alt="{escape(alt)}">""")}</div>'
    if "text/latex" in data and not rich_only:
        return f'<div class="prose">{Markdown().render(data["text/latex"])}</div>'
    return "" if rich_only or "text/plain" not in data else printed(data["text/plain"])


def printed(text):
    """Text as a terminal shows it."""
    text = text.strip("\n")
    return f'<pre class="printed" tabindex="0">{ansi2html(text)}</pre>' if text.strip() else ""
