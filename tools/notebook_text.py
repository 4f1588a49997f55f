"""A notebook as text for `git diff`: cells and what they printed, without pictures. notebook_text.py NOTEBOOK

git config diff.notebook.textconv "python3 tools/notebook_text.py"
"""

import json
import sys

for number, cell in enumerate(json.load(open(sys.argv[1], encoding="utf-8"))["cells"], 1):
    print(f"--- {number}: {cell['cell_type']}\n{''.join(cell['source'])}")
    for output in cell.get("outputs", []):
        text = output.get("text") or output.get("traceback") or output.get("data", {}).get("text/plain", "")
        print("".join(f"    {line}\n" for line in "".join(text).splitlines()), end="")
