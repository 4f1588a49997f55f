"""What must hold of the parts that pages and notebooks are made of: .lab/venv/bin/python tools/check/page_parts.py"""

import base64
import json
import re
import struct
import sys
import tempfile
import unittest
import zlib
from pathlib import Path
from unittest import mock

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "crates/cli/python"))

from formula import formula
import lessons
import networks
import run
from page import blocks_of, description_of, duration, origin, read_runs, read_times, short, split_lead, title_of, write_times
from render import Markdown, output, tidy
from run import METADATA, failure, merge_streams, normalize

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAQAAAACCAIAAADwyuo0AAAAEElEQVR4nGP4z8AARwzEcQCukw/x0F8jngAAAABJRU5ErkJggg=="
)


def printed(name, text):
    return new_output("stream", name=name, text=text)


class Formulas(unittest.TestCase):
    def test_a_matrix_with_an_exponent_has_one_base(self):
        math = formula(r"\begin{pmatrix} a & b \end{pmatrix}^{-1}", "block")
        base, exponent = re.search(r"<msup><mrow>(.*</mo>)</mrow>(.*)</msup>", math).groups()
        self.assertIn("<mtable>", base)
        self.assertIn("<mn>1</mn>", exponent)

    def test_upright_letters_are_one_word_and_functions_stand_apart(self):
        self.assertIn(">ELU</mi>", formula(r"\mathrm{ELU}(x)", "inline"))
        self.assertRegex(formula(r"y \ln p", "inline"), r"</mi><mspace[^>]*></mspace><mi>ln</mi><mspace")
        self.assertNotIn("mspace", formula(r"\ln(p)", "inline"))

    def test_what_cannot_be_translated_is_marked_and_escaped(self):
        for latex in (r"\frac{<b>", r"a < b + \unheard{c}", r"x^", r"\left( x"):
            self.assertIn('class="untranslated"', formula(latex, "inline"), latex)
            self.assertNotIn("<b>", formula(latex, "inline"))
        self.assertNotIn("untranslated", formula(r"\frac{1}{2}", "inline"))


class Text(unittest.TestCase):
    def test_headings_have_names_of_their_own(self):
        markdown = Markdown()
        html = markdown.render("# One\n\n## Two $x^2$") + markdown.render("## Two")
        ids = re.findall(r'<h\d id="([^"]+)"', html)
        self.assertEqual(len(set(ids)), 3, ids)
        self.assertEqual([heading.level for heading in markdown.headings], [1, 2, 2])

    def test_links_between_notebooks_lead_to_pages(self):
        html = Markdown().render("[a](04-optimizer.ipynb#the-question) [b](https://a.b/c.ipynb) [c](#d)")
        self.assertEqual(re.findall('href="([^"]+)"', html), ["04-optimizer.html#the-question", "https://a.b/c.ipynb", "#d"])

    def test_links_to_other_files_lead_there_from_the_folder_of_the_page(self):
        html = Markdown("../../notebooks").render("[a](../docs/a.md#b) [c](../README.md)")
        self.assertEqual(re.findall('href="([^"]+)"', html), ["../../docs/a.md#b", "../../README.md"])

    def test_tables_and_pictures_get_their_boxes(self):
        html = tidy(f'<table><tr><td>1</td></tr></table><img src="{PIXEL}" alt="dots" width="2">')
        self.assertIn('<div class="scroll" tabindex="0"><table>', html)
        for part in ('loading="lazy"', 'decoding="async"', 'width="2"', 'height="1"', 'alt="dots"'):
            self.assertIn(part, html)

    def test_what_is_printed_is_escaped_and_left_out_of_the_report(self):
        stream = printed("stdout", "\x1b[31mred\x1b[0m <script>")
        html = output(stream, 1, rich_only=False)
        self.assertIn("&lt;script&gt;", html)
        self.assertNotIn("\x1b", html)
        self.assertEqual(output(stream, 1, rich_only=True), "")

    def test_the_report_has_its_table_before_the_first_section(self):
        lead, rest = split_lead([{"kind": "text", "html": "<h1>A</h1><h2>B</h2>"}, {"kind": "cell"}])
        self.assertEqual([block.get("html") for block in lead], ["<h1>A</h1>"])
        self.assertEqual([block.get("html") for block in rest], ["<h2>B</h2>", None])

    def test_exercises_are_in_the_notebook_s_page_and_not_in_the_report(self):
        tagged = {"tags": ["exercise"]}
        answer = new_output("execute_result", data={"text/html": "<b>right</b>", "text/plain": "right"})
        cells = [
            new_markdown_cell("## References"),
            new_code_cell("shown", outputs=[new_output("execute_result", data={"text/html": "<i>kept</i>"})]),
            new_markdown_cell("## Exercises", metadata=tagged),
            new_code_cell("check::exercise_1(1)", metadata=tagged, outputs=[answer]),
        ]
        page, report = Markdown(), Markdown()
        self.assertEqual(len(list(blocks_of(new_notebook(cells=cells), page, False))), 4)
        self.assertEqual([heading.text for heading in page.headings], ["References", "Exercises"])
        blocks = list(blocks_of(new_notebook(cells=cells), report, True))
        self.assertEqual([heading.text for heading in report.headings], ["References"])
        self.assertEqual([block["kind"] for block in blocks], ["text", "cell"])
        self.assertIn("kept", str(blocks))

    def test_hidden_code_is_folded_and_a_claim_reads_as_prose(self):
        claim = 'It is so. <span data-claim="holds"><small title="a &gt; b">✓</small></span>'
        outputs = [new_output("execute_result", data={"text/markdown": claim, "text/plain": claim})]
        hidden = {"jupyter": {"source_hidden": True}}
        cells = [new_code_cell("claim!(…)", metadata=hidden, outputs=outputs), new_code_cell("x")]
        first, second = blocks_of(new_notebook(cells=cells), Markdown(), False)
        self.assertEqual((first["hidden"], second["hidden"]), (True, False))
        self.assertIn('<p>It is so. <span data-claim="holds">', first["outputs"][0])

    def test_small_words(self):
        self.assertEqual((duration(3.21), duration(245)), ("3.2 s", "4 min 05 s"))
        self.assertEqual(short("03-loss-comparison"), ("3", "Loss comparison"))
        self.assertEqual(title_of(new_notebook(cells=[new_markdown_cell("# Which *loss*?")])), "Which loss?")
        self.assertEqual(description_of("<h1>A</h1><p>B <b>c</b></p>"), "B c")


class Notebooks(unittest.TestCase):
    def test_an_error_and_any_text_on_standard_error_are_failures(self):
        cell = new_code_cell("x", outputs=[printed("stdout", "fine")])
        self.assertIsNone(failure(cell))
        cell.outputs.append(printed("stderr", "boom"))
        self.assertEqual(failure(cell), ("stderr", "boom"))
        cell.outputs.append(new_output("error", ename="E", evalue="v", traceback=["mismatched"]))
        self.assertEqual(failure(cell), ("error", "mismatched"))

    def test_late_output_joins_what_came_in_time(self):
        cell = new_code_cell("x", outputs=[printed("stdout", "a"), new_output("display_data"), printed("stdout", "b")])
        merge_streams(cell)
        self.assertEqual([o.get("text") for o in cell.outputs], ["ab", None])

    def test_what_is_saved_is_the_same_on_every_machine(self):
        cell = new_code_cell("x", outputs=[printed("stdout", "in /somewhere/lab/outputs")])
        cell.metadata = nbformat.from_dict({"execution": {"a": "2026"}, "tags": ["t"], "scrolled": True, "jupyter": {}})
        twin = new_code_cell("y")
        notebook = new_notebook(cells=[cell, twin], metadata={"widgets": {}})
        twin.id = cell.id
        normalize(notebook, Path("/somewhere/lab"))
        self.assertEqual(notebook.metadata, METADATA)
        self.assertEqual(cell.metadata, {"tags": ["t"], "jupyter": {}})
        self.assertEqual(cell.outputs[0].text, "in ../outputs")
        self.assertEqual(twin.id, "cell-01")
        nbformat.validate(notebook)


class Times(unittest.TestCase):
    def test_the_row_of_a_notebook_that_ran_again_is_replaced_and_the_others_stay(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "times.csv"
            self.assertEqual(read_times(path), {})
            write_times(path, {"02-b": (20.04, 5.0), "01-a": (10.0, 5.0)})
            write_times(path, {**read_times(path), "02-b": (30.0, 4.0)})
            self.assertEqual(path.read_text(), "notebook,seconds,first_cell_seconds\n01-a,10.0,5.0\n02-b,30.0,4.0\n")
            for text in ("", "name\n"):
                path.write_text(text)
                self.assertRaises(SystemExit, read_times, path)


class Origin(unittest.TestCase):
    def test_a_page_names_the_time_and_the_machine_of_its_own_runs_and_the_report_those_of_all(self):
        machine = {"instructions": "Avx2 on x86_64", "threads": 2}
        line = lambda run, finished: {"run": run, "lab": "0.1.0", "machine": machine, "finished": finished}
        runs = [line("02-a", 1_800_000_000), line("03-b", 1_800_000_000), line("03-c", 1_800_003_600)]
        wanted = {"count": 2, "from": "15 January 2027, 08:00", "to": "09:00", "versions": "0.1.0"}
        self.assertEqual(origin(runs, "03-loss-comparison"), {**wanted, "machines": "Avx2 on x86_64 with 2 threads"})
        self.assertEqual(origin(runs, "06-report")["count"], 3)
        self.assertIsNone(origin(runs, "01-preprocessing"))
        other_day = origin([*runs, line("03-d", 1_800_100_000)], "03-loss-comparison")
        self.assertEqual(other_day["to"], "16 January 2027, 11:46")

    def test_runs_are_read_line_by_line(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "runs.jsonl"
            self.assertEqual(read_runs(path), [])
            path.write_text('{"run": "02-a"}\n{"run": "02-b"}\n')
            self.assertEqual([run["run"] for run in read_runs(path)], ["02-a", "02-b"])


class Failures(unittest.TestCase):
    def test_a_failure_names_the_cell_its_first_lines_and_the_message(self):
        told = []
        with mock.patch.object(run, "tell", lambda event, **fields: told.append(fields["text"])):
            run.tell_failure(7, ["let x: u32 =", '"no";'], "error", "mismatched types\n  expected u32")
            run.tell_failure(0, [], "died", "no kernel")
        wanted = 'cell [7] failed\n  | let x: u32 =\n  | "no";\n  mismatched types\n    expected u32'
        self.assertEqual(told, [wanted, "the kernel did not start\n  no kernel"])


class Lessons(unittest.TestCase):
    CELLS = [new_markdown_cell("## A"), new_markdown_cell("<!-- lesson: valley -->\nIt can be *moved*."), new_code_cell("x")]

    def blocks(self):
        return list(blocks_of(new_notebook(cells=self.CELLS), Markdown(), False))

    def test_a_figure_stands_where_the_notebook_marks_it_around_the_text_for_paper(self):
        blocks = self.blocks()
        self.assertEqual([block.get("lesson") for block in blocks], [None, "valley", None])
        with mock.patch("lessons.networks.module", return_value=b"module"):
            lessons.module.cache_clear()
            style, script, module = lessons.place(blocks, False)
        lessons.module.cache_clear()
        self.assertEqual([block["kind"] for block in blocks], ["text", "lesson", "cell"])
        self.assertRegex(blocks[1]["html"], r'(?s)data-lesson="valley".*class="prose still">\s*<p>It can be <em>moved</em>.*class="moving" hidden')
        self.assertNotIn("<!--", blocks[1]["html"])
        self.assertEqual(zlib.decompress(base64.b64decode(json.loads(module))), b"module")
        self.assertIn(".lesson", style)
        self.assertIn("figures.valley", script)
        self.assertNotIn("figures.playground", script)

    def test_a_page_without_figures_has_no_script_and_one_that_cannot_compute_says_why(self):
        plain = self.blocks()[:1]
        self.assertEqual(lessons.place(plain, False), ("", "", ""))
        missing = mock.Mock(returncode=0, stdout="/nowhere\n")
        with mock.patch("networks.subprocess.run", return_value=missing):
            for saved, reason in [(True, "saved notebooks"), (False, "rustup target add wasm32-unknown-unknown")]:
                blocks = self.blocks()
                self.assertEqual(lessons.place(blocks, saved), ("", "", ""))
                self.assertRegex(blocks[1]["html"], f"<em>moved</em>.*\n.*stands still.*{reason}")
                self.assertEqual(blocks[1]["kind"], "text")

    def test_every_marker_of_the_notebooks_has_its_figure(self):
        found = []
        for path in sorted((networks.ROOT / "notebooks").glob("*.ipynb")):
            for cell in nbformat.read(path, 4).cells:
                self.assertEqual("<!-- lesson" in cell.source, bool(lessons.marked(cell.source)), cell.source[:80])
                found += filter(None, [lessons.marked(cell.source)])
        self.assertEqual(sorted(found), sorted(lessons.SCRIPTS))
        for name in found:
            self.assertIn(f"figures.{name} =", lessons.read(f"{name}.js"))


class Networks(unittest.TestCase):
    ARCHITECTURE = {"input_shape": [32, 32, 3], "layers": []}

    def run_of(self, outputs, name, values, **network):
        folder = Path(outputs, "runs", name)
        folder.mkdir(parents=True)
        record = {"network": {**self.ARCHITECTURE, **network}, "test": {"accuracy": 0.5}}
        (folder / "metrics.json").write_text(json.dumps(record), encoding="utf-8")
        # As the format says: a length, a table of contents, and the arrays; here not in the order of their names.
        header = {"__metadata__": {"architecture": json.dumps(record["network"])}}
        header["b"] = {"dtype": "F32", "shape": [len(values), 1], "data_offsets": [4, 4 + 4 * len(values)]}
        header["z"] = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
        text = json.dumps(header).encode()
        data = struct.pack("<Q", len(text)) + text + struct.pack(f"<f{len(values)}f", 0.5, *values)
        (folder / "model.safetensors").write_bytes(data)
        return folder / "model.safetensors"

    def test_weights_become_halves_in_the_order_of_their_names(self):
        with tempfile.TemporaryDirectory() as outputs:
            data = networks.weights(self.run_of(outputs, "05-a", [1.0, -2.0, 1 / 3]))
            line, _, halves = data.partition(b"\n")
            self.assertEqual(json.loads(line), self.ARCHITECTURE)
            # What has one axis keeps its 32 bits.
            self.assertEqual(struct.unpack("<3ef", halves), (1.0, -2.0, 0.333251953125, 0.5))
            self.assertEqual(len(data) % 2, 0)
            for number, value in enumerate([1e6, float("nan"), float("-inf")]):
                self.assertIsNone(networks.weights(self.run_of(outputs, f"06-{number}", [value])))

    def test_what_is_packed_can_be_unpacked(self):
        packed = networks.pack(bytes(range(256)) * 9)
        self.assertNotRegex(packed, r"[<\"\\]")
        parts = zlib.decompress(base64.b85decode(packed.replace(",", "<")))
        self.assertEqual(parts, (bytes(range(0, 256, 2)) * 9 + bytes(range(1, 256, 2)) * 9))

    def test_the_last_notebooks_networks_come_first_and_only_those_for_pictures(self):
        with tempfile.TemporaryDirectory() as outputs:
            for name in ["final", "05-final", ".x.before"]:
                self.run_of(outputs, name, [1.0])
            self.run_of(outputs, "06-best", [1.0], input_shape=[8, 8, 12])
            self.run_of(outputs, "06-other", [1.0], input_shape=[4])
            self.assertEqual([name for name, _ in networks.kept(Path(outputs))], ["06-best", "05-final", "final"])

    def test_networks_are_taken_while_there_is_room_and_a_page_without_says_why(self):
        with tempfile.TemporaryDirectory() as outputs, mock.patch("networks.module", return_value=b"module"):
            outputs = Path(outputs)
            with self.assertRaisesRegex(networks.Missing, "kept its weights"):
                networks.parts(outputs, False, 1_000_000)
            for name in ["05-a", "06-b", "07-c", "08-d", "09-e"]:
                self.run_of(outputs, name, [1.0])
            of = lambda room: [network["name"] for network in json.loads(networks.parts(outputs, False, room))["networks"]]
            self.assertEqual(of(1_000_000), ["09-e", "08-d", "07-c", "06-b"])
            whole = json.loads(networks.parts(outputs, False, 1_000_000))
            one = len(json.dumps({**whole, "networks": []})) + len(whole["networks"][0]["weights"])
            self.assertEqual(of(one + 1), ["09-e"])
            with self.assertRaisesRegex(networks.Missing, "too large"):
                networks.parts(outputs, False, 1000)
            with self.assertRaisesRegex(networks.Missing, "saved notebooks"):
                networks.parts(outputs, True, 1_000_000)

    def test_where_the_target_is_missing_the_page_says_how_to_get_it(self):
        missing = mock.Mock(returncode=0, stdout="/nowhere\n")
        with mock.patch("networks.subprocess.run", return_value=missing):
            with self.assertRaisesRegex(networks.Missing, "rustup target add wasm32-unknown-unknown"):
                networks.module()

    def test_test_images_are_those_of_the_sample_in_pixels(self):
        labels, pixels = networks.images()
        self.assertEqual(labels, [*range(10), *range(10)])
        record = (networks.ROOT / "lab-core/assets/sample_test.bin").read_bytes()[:3073]
        own = pixels[3072 * record[0] :][:3072]
        self.assertEqual(own[:6], bytes(record[1 + plane + pixel] for pixel in (0, 1) for plane in (0, 1024, 2048)))

    def test_the_policy_allows_one_script_or_none(self):
        self.assertNotIn("script-src", networks.policy(""))
        # echo -n 'alert(1)' | openssl dgst -sha256 -binary | base64
        self.assertIn("script-src 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='", networks.policy("alert(1)"))


if __name__ == "__main__":
    unittest.main()
