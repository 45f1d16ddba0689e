"""How large an HTML report is, and how long it takes to write, to open and to filter.

    handoff-evals run -m oracle --out runs/any
    python benchmarks/html_report.py runs/any 1000 10000

The run's conversations are multiplied; in each copy every sentence is another one. Times are of
Chromium on this machine, headless.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from handoff_evals.reports import Headline, ReportedRun, html_report
from handoff_evals.results import RunFolder


def multiplied(run: Path, out: Path, conversations: int) -> RunFolder:
    """The run with so many conversations: further trials of its scenarios, in other words."""
    shutil.copytree(run, out)
    lines = (run / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    with (out / "trials.jsonl").open("w", encoding="utf-8") as file:
        for number in range(conversations):
            copy, place = divmod(number, len(lines))
            text = lines[place]
            if copy:
                text = text.replace(". ", f" {copy * 7919 % 99991}. ")
                text = text.replace("?", f" {copy * 104729 % 99991}?")
            trial = json.loads(text)
            trial["key"]["number"] = copy
            file.write(json.dumps(trial) + "\n")
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    manifest["trials"] = -(-conversations // len(lines))
    (out / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return RunFolder.open(out)


def measured(page: Page, path: Path) -> Iterator[tuple[str, float]]:
    """What a reader waits for, in seconds."""
    began = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("html.ready #rows li")
    yield "first list", time.perf_counter() - began
    yield "filter", page.evaluate(_TIMED, "() => { location.hash = '#result=failed'; }") / 1000
    yield "filter off", page.evaluate(_TIMED, "() => { location.hash = '#'; }") / 1000
    began = time.perf_counter()
    page.keyboard.press("j")
    page.wait_for_selector(".turn-head")
    yield "open a conversation", time.perf_counter() - began
    began = time.perf_counter()
    page.fill("#search", "refund")
    page.wait_for_function("!document.getElementById('count').textContent.includes('reading')")
    yield "first search", time.perf_counter() - began
    yield "next search", page.evaluate(_TIMED, _SEARCH) / 1000


_SEARCH = """() => { const box = document.getElementById('search'); box.value = 'invoice';
box.dispatchEvent(new Event('input')); }"""
# From the change to the next frame that is drawn.
_TIMED = """async (change) => { const began = performance.now(); eval(`(${change})()`);
await new Promise((done) => setTimeout(done)); document.body.offsetHeight;
return performance.now() - began; }"""


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("run", type=Path)
    parser.add_argument("conversations", type=int, nargs="+")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    asked = parser.parse_args()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=asked.chromium, args=["--no-sandbox"])
        for number in asked.conversations:
            run = multiplied(asked.run, Path(folder) / str(number), number)
            began = time.perf_counter()
            text = html_report([ReportedRun.of(run)], Headline(verdict="valid", tone="good"))
            took = time.perf_counter() - began
            path = Path(folder) / f"{number}.html"
            path.write_text(text, encoding="utf-8")
            size = path.stat().st_size / 1e6
            print(f"{number:6} conversations: {size:.2f} MB, written in {took:.1f} s")
            # The evaluated measuring needs `eval`, which the page's own policy forbids.
            page = browser.new_context(bypass_csp=True).new_page()
            for what, seconds in measured(page, path):
                print(f"       {what:22} {seconds * 1000:8.0f} ms")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
