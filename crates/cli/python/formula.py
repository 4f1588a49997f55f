"""LaTeX as MathML that browsers draw as a book would print it."""

from html import escape

from bs4 import BeautifulSoup, Tag
from latex2mathml import converter

# How many children each of these has; what is more belongs to the first.
SCRIPTS = {"msup": 2, "msub": 2, "mover": 2, "munder": 2, "msubsup": 3, "munderover": 3}


def formula(latex, display):
    """A formula as MathML, `display` being `block` or `inline`; what cannot be translated stays as it was written."""
    try:
        math = BeautifulSoup(converter.convert(latex.strip(), display=display), "html.parser")
    except Exception:  # the library raises many kinds, and any of them means the same
        return f'<code class="untranslated">{escape(latex.strip())}</code>'
    for element in math.find_all(list(SCRIPTS)):
        group_base(math, element)
    if not is_whole(math):
        return f'<code class="untranslated">{escape(latex.strip())}</code>'
    for element in math.find_all("mi", mathvariant="normal"):
        join_letters(element)
    for element in math.find_all("mo"):
        if is_word(element):
            element.name = "mi"
    for element in math.find_all("mi"):
        if is_word(element):
            set_apart(math, element)
    for element in math.find_all("mtd", columnalign=True):
        # Browsers have left the attribute behind.
        element["style"] = f"text-align:{element['columnalign']}"
    for element in math.find_all("mover", accent="true"):
        for accent in element.find_all("mo", recursive=False):
            accent["stretchy"] = "false"
    return math.decode(formatter="minimal")


def is_whole(math):
    """Whether nothing is left of LaTeX, and nothing is missing: the library passes both on without a word."""
    counts = {"mfrac": 2, "mroot": 2, **SCRIPTS}
    whole = all(len(e.find_all(True, recursive=False)) == counts[e.name] for e in math.find_all(list(counts)))
    return whole and "\\" not in math.get_text()


def is_word(element):
    return len(element.get_text()) > 1 and element.get_text().isalpha()


def group_base(math, element):
    """A matrix in brackets with an exponent comes as too many children: brackets and matrix are one base."""
    children = [child for child in element.children if isinstance(child, Tag)]
    base = children[: len(children) - SCRIPTS[element.name] + 1]
    if len(base) > 1:
        row = math.new_tag("mrow")
        element.insert(0, row)
        for child in base:
            row.append(child.extract())


def join_letters(first):
    """Upright letters side by side are one word."""
    if first.parent is None:
        return
    while isinstance(first.next_sibling, Tag) and first.next_sibling.get("mathvariant") == "normal":
        first.string = first.get_text() + first.next_sibling.extract().get_text()


def set_apart(math, word):
    """Thin spaces between a function and what stands before it, and an argument without brackets: y ln p, log₂ x."""
    last = word  # or what it is the base of
    while last.parent is not None and last.parent.name in SCRIPTS and last is last.parent.find(True, recursive=False):
        last = last.parent
    thin = {"width": "0.17em"}
    if isinstance(last.next_sibling, Tag) and last.next_sibling.name not in ("mo", "mspace", "mtext"):
        last.insert_after(math.new_tag("mspace", attrs=thin))
    if isinstance(last.previous_sibling, Tag) and last.previous_sibling.name not in ("mo", "mspace", "mtext"):
        last.insert_before(math.new_tag("mspace", attrs=thin))
