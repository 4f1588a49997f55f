"""Tries what is promised, and writes docs/reliability.md: tools/reliability/run.py [--short] [ROW...]

All rows where none is named (two hours, an hour and a half of it fuzzing). Results are kept in target/reliability.json, so
that rows can be tried one by one; the page has those of all rows. --short tries less of each, in some minutes, and
writes nothing. Rows: see rows.py.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
KEPT = CLONE / "target" / "reliability.json"
PAGE = CLONE / "docs" / "reliability.md"
HEAD = """# What was tried, and what was lost

`tools/reliability/run.py` tries everything here and writes this page; `.ci/nightly` tries a short form of
it. [SECURITY.md](../SECURITY.md) says what is promised about files from strangers.

| promise | held by | tried | lost | minutes | commit |
|---|---|---|---|---|---|
"""


def main():
    from rows import ROWS, Failed, Run

    names = [name for name in sys.argv[1:] if not name.startswith("--")]
    unknown = [name for name in names if name not in ROWS]
    if unknown or "--help" in sys.argv:
        print(f"{__doc__}\nRows: {', '.join(ROWS)}")
        return 2 if unknown else 0
    short = "--short" in sys.argv
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    commit = subprocess.run(["git", "rev-parse", "--short=9", "HEAD"], cwd=CLONE, capture_output=True, text=True).stdout.strip()
    failed = []
    for name in names or ROWS:
        promise, _, check = ROWS[name]
        begun = time.monotonic()
        try:
            tried, lost = check(Run(short))
        except Failed as failure:
            failed.append(name)
            print(f"{name}: FAILED\n{failure}", flush=True)
            continue
        minutes = (time.monotonic() - begun) / 60
        print(f"{name} ({minutes:.1f} min): {tried}; lost: {lost}", flush=True)
        if lost:
            failed.append(name)
        if not short:
            kept[name] = {"tried": tried, "lost": lost, "minutes": round(minutes, 1), "commit": commit}
            KEPT.parent.mkdir(exist_ok=True)
            KEPT.write_text(json.dumps(kept, indent=1))
    if not short:
        rows = [(promise, held, kept.get(name)) for name, (promise, held, _) in ROWS.items()]
        lines = [
            f"| {promise} | {held} | {it['tried']} | {it['lost'] or 'nothing'} | {it['minutes']} | {it['commit']} |"
            if it
            else f"| {promise} | {held} | not tried yet | | | |"
            for promise, held, it in rows
        ]
        PAGE.write_text(HEAD + "\n".join(lines) + "\n")
    if failed:
        print(f"not held: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
