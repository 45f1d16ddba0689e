"""The HTML report in Debian's Chromium: what a reader can do with it.

One browser and one file for all of them. Without a Chromium they are skipped: `apt-get install
chromium`, or name one by CHROMIUM.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from handoff_evals.reports import Headline, html_report
from handoff_evals.transcript import Fault, Transcript
from tests.support.reported import (
    SAID,
    conversation,
    failing,
    page,
    reported,
    trial,
    trials,
)

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
if CHROMIUM is None:
    reason = "NO CHROMIUM: the HTML report is not tested in a browser; apt-get install chromium"
    pytest.skip(reason, allow_module_level=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "one run.html"
    path.write_text(page(trials()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    before = [
        trial("Charged twice", conversation()),
        trial("Same", conversation()),
        trial("Only before", conversation()),
    ]
    after = [trial("Charged twice", conversation(to=None)), trial("Same", conversation())]
    path = tmp_path_factory.mktemp("report") / "two runs.html"
    runs = [reported(before, "before"), reported(after, "after")]
    path.write_text(html_report(runs, Headline(verdict="regressed", tone="bad")), "utf-8")
    return path


class Reader:
    """A page in the browser, which no request may leave and no error may disturb."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", self._requested)

    def _requested(self, request: object) -> None:
        url: str = request.url  # type: ignore[attr-defined]
        if not url.startswith(("file:", "data:")):
            self.said.append(f"requested {url}")

    def open(self, path: Path, **state: str) -> None:
        self.page.goto(f"{path.as_uri()}#{urlencode(state)}" if state else path.as_uri())
        self.page.wait_for_selector("html.ready")

    def at(self, selector: str) -> Locator:
        return self.page.locator(selector)

    @property
    def listed(self) -> list[str]:
        return self.at("#rows .title").all_inner_texts()

    @property
    def count(self) -> str:
        return self.at("#count").inner_text()

    @property
    def address(self) -> str:
        return self.page.url.partition("#")[2]

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def see(self, selector: str, text: str) -> None:
        """Wait until it is there."""
        self.at(selector).filter(has_text=text).first.wait_for(timeout=5000)


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    found = browser.new_context(viewport={"width": 1300, "height": 900})
    yield found
    found.close()


@pytest.fixture
def reader(context: BrowserContext) -> Iterator[Reader]:
    found = Reader(context.new_page())
    yield found
    said = found.said
    found.page.close()
    assert said == []


def test_a_cell_of_the_matrix_shows_its_conversations(reader: Reader, file: Path) -> None:
    reader.open(file)
    assert reader.count == "11 conversations"
    reader.at(".matrix .cell.off a").first.click()
    reader.see("#chosen", "Active desk")
    assert reader.listed == ["Stays at the desk", "Flaky"]
    assert reader.count == "2 of 11 conversations"


def test_a_part_of_a_bar_and_an_unscored_cause_do_the_same(reader: Reader, file: Path) -> None:
    reader.open(file)
    reader.at('.stack-links a[href="#model=never&outcome=missed"]').click()
    reader.see("#count", "3 of 11")
    reader.at('.causes a[href="#model=small&cause=api_status_429"]').click()
    reader.see("#count", "1 of 11")
    assert reader.listed == ["No answer"]


def test_filters_are_combined_and_taken_out_again(reader: Reader, file: Path) -> None:
    reader.open(file)
    reader.at('select[aria-label="Tag"]').select_option("kind=invoice")
    reader.see("#count", "2 of 11")
    reader.at('select[aria-label="Check failed"]').select_option("handoff")
    reader.see("#count", "1 of 11")
    assert "check=handoff" in reader.address
    reader.at("#chosen .clear").click()
    reader.see("#count", "11 conversations")


def test_the_search_finds_what_was_said(reader: Reader, file: Path) -> None:
    reader.open(file)
    reader.press("/")
    reader.page.keyboard.type('zebra "invoice 9"')
    reader.see("#count", "1 of 11")
    assert reader.listed == ["Flaky"]
    reader.press("Escape", "x")
    reader.see("#count", "11 conversations")


def test_a_link_opens_the_very_conversation_and_turn(reader: Reader, file: Path) -> None:
    reader.open(file, scenario="Flaky", by="small", trial="3", turn="1")
    reader.see(".entry-head", "Flaky")
    reader.see(".trials", "trial 3 of 4")
    assert reader.at("#turn-1.aimed").count() == 1
    top = reader.page.evaluate("document.getElementById('turn-1').getBoundingClientRect().top")
    assert 0 < top < 900


def test_a_link_to_what_is_not_there_says_so(reader: Reader, file: Path) -> None:
    reader.open(file, scenario="Nowhere")
    reader.see("#conversation", "There is no conversation Nowhere in this report.")


def test_the_keyboard_goes_through_the_list_and_the_trials(reader: Reader, file: Path) -> None:
    reader.open(file, model="small")
    reader.press("j")
    reader.see(".entry-head", "Charged twice")
    reader.press("j", "j", "k")
    reader.see(".entry-head", "Lost number")
    reader.open(file, scenario="Flaky", trial="1")
    reader.press("]")
    reader.see(".trials", "trial 2 of 4")
    reader.press("?")
    assert reader.at("#help").is_visible()
    reader.press("Escape")
    assert not reader.at("#help").is_visible()


def test_a_lost_fact_and_a_leak_are_marked_at_the_handoff(reader: Reader, file: Path) -> None:
    reader.open(file, scenario="Lost number", by="small")
    reader.see(".handed .mark-lost", "lost: 4471")
    reader.see(".handed .mark-leaked", "old instructions of desk")
    reader.see(".note.failed", "carries billing's model received nothing with '4471'")
    reader.see(".lost .from-lost", SAID)
    reader.see(".function-call", "urgent: true")
    reader.at(".fact button").first.click()
    reader.see(".lane-row.aimed", SAID)
    assert reader.at(".lane-head").all_inner_texts() == ["caller", "desk", "billing"]


def test_expected_and_taken_path_stand_beside_each_other(reader: Reader, file: Path) -> None:
    reader.open(file, scenario="Stays at the desk", by="small")
    reader.see(".path .astray", "desk")
    rows = reader.at(".path tbody tr").all_inner_texts()
    assert [row.split() for row in rows] == [
        ["expected", "billing"],
        ["taken", "desk", "desk"],
        ["outcome", "missed"],
    ]


def test_two_runs_stand_side_by_side_from_the_first_difference(reader: Reader, both: Path) -> None:
    reader.open(both, scenario="Charged twice")
    reader.see(".parting", "First difference")
    first = reader.at(".pair-row.first > div").all_inner_texts()
    assert "to_billing" in first[0]
    assert "I have your order here." in first[1]
    assert reader.at(".parting").count() == 1
    reader.at(".views a").last.click()
    reader.see(".lanes", "I have your order here.")


def test_pairs_are_filtered_by_what_flipped(reader: Reader, both: Path) -> None:
    reader.open(both, change="worse")
    assert reader.listed == ["Charged twice"]
    reader.open(both, change="on one side only")
    assert reader.listed == ["Only before"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["one", "two"])
def test_axe_finds_no_serious_fault(
    reader: Reader, file: Path, both: Path, scheme: str, which: str
) -> None:
    reader.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    reader.open(file if which == "one" else both, scenario="Lost number" if which == "one" else "")
    if which == "two":
        reader.press("j")
    reader.see("#conversation", "Opening")
    found = Axe().run(reader.page)
    serious = [each for each in found.response["violations"] if each["impact"] in _SERIOUS]
    assert [(each["id"], each["nodes"][0]["html"]) for each in serious] == []


_SERIOUS = ("serious", "critical")


def test_it_fits_the_width_of_a_phone(reader: Reader, file: Path) -> None:
    reader.page.set_viewport_size({"width": 390, "height": 800})
    reader.open(file, scenario="Lost number", by="small")
    reader.see("#conversation", "Opening")
    wide = reader.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    reader.at(".to-list").click()
    reader.see("#rows", "Charged twice")


def test_without_javascript_verdict_tables_and_failures_read(browser: Browser, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.locator("h1").inner_text().endswith("Valid")
    assert "billing" in page.locator(".matrix").first.inner_text()
    assert "carries: billing's model received nothing" in page.locator("main").inner_text()
    assert not page.locator("#conversations").is_visible()
    context.close()


HOSTILE = (
    "</template></script><script>window.owned = 1</script><img src=x onerror='window.owned = 1'>"
    "\x1b[31mred\x1b[0m \u202ereversed\u2069 {{ 7 * 7 }} <!-- \ud83d"
)


def test_hostile_text_in_every_field_is_inert(reader: Reader, tmp_path: Path) -> None:
    long = HOSTILE + "<b>" * 300_000
    found = trial(HOSTILE, conversation(said=long, reply=HOSTILE), model=HOSTILE, suite=HOSTILE)
    path = tmp_path / "hostile.html"
    path.write_text(page([found]), "utf-8")
    reader.open(path)
    reader.press("j")
    reader.see(".lanes", "</template></script><script>window.owned = 1</script>")
    reader.see(".more", "show all")
    assert reader.page.evaluate("window.owned") is None
    assert reader.at("#conversation img, #conversation b b, #conversation script").count() == 0
    text = reader.at("#conversation").inner_text()
    assert "\\x1b[31mred" in text
    assert not {"\x1b", "\u202e"} & set(text)


def test_a_conversation_that_never_began_opens(reader: Reader, tmp_path: Path) -> None:
    fault = Fault(owner="infrastructure", cause="entry", detail="no agent", turn=0, ended=True)
    never = replace(
        trial("Never began", failing("entry")), transcript=Transcript(turns=(), faults=(fault,))
    )
    path = tmp_path / "empty.html"
    path.write_text(page([replace(never, decisions=())]), "utf-8")
    reader.open(path, scenario="Never began")
    reader.see("#conversation .note.fault", "no agent")
    reader.see(".entry-facts", "0 turns")
