"""The HTML report as a file: what stands in it without a browser."""

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from handoff_evals.reports import Headline, html_report
from handoff_evals.reports.html_data import pack
from tests.support.reported import conversation, page, reported, trial, trials


class Page(HTMLParser):
    """The elements of a page, and the texts of its style, script and templates."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.words = ""
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag in {"style", "script", "template"}:
            self._in = given.get("id") or tag

    def handle_endtag(self, tag: str) -> None:
        if tag in {"style", "script", "template"}:
            self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in:
            self.texts[self._in] = self.texts.get(self._in, "") + data
        else:
            self.words += data


def unpacked(text: str) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(text)))


@pytest.fixture(scope="module")
def read() -> Page:
    return Page(page(trials()))


def test_its_policy_lets_only_its_own_script_and_style_run(read: Page) -> None:
    [policy] = [
        given["content"] or ""
        for tag, given in read.tags
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy"
    ]
    digests = {
        kind: base64.b64encode(hashlib.sha256(read.texts[kind].encode()).digest()).decode()
        for kind in ("script", "style")
    }
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digests['script']}'" in policy
    assert f"style-src 'sha256-{digests['style']}'" in policy
    assert "unsafe" not in policy


def test_nothing_in_it_is_fetched_and_no_element_has_a_style_or_handler(read: Page) -> None:
    for tag, given in read.tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base"}
        assert not {name for name in given if name.startswith("on")} | ({"style"} & {*given})
        assert not given.get("src")
        assert (given.get("href") or "#").startswith("#")


def test_no_data_becomes_html_in_the_script(read: Page) -> None:
    script = read.texts["script"]
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in script


def test_verdict_and_sentences_come_first(read: Page) -> None:
    words = " ".join(read.words.split())
    first, second = words.index("valid"), words.index("In these 4 scenarios small passes")
    assert first < second < words.index("Pass rate and accuracy")


def test_the_index_names_every_conversation_with_its_tags(read: Page) -> None:
    index = unpacked(read.texts["index"])
    assert len(index["entries"]) == len(trials())
    first = index["entries"][0]
    assert (first["scenario"], first["tags"]) == ("Charged twice", {"kind": "invoice"})
    part, place = first["sides"][0]["at"]
    found = unpacked(read.texts[f"part-{part}"])["conversations"][place]
    assert [turn["active"] for turn in found["turns"]] == ["desk", "billing"]


def test_cells_of_a_matrix_lead_to_its_conversations(read: Page) -> None:
    links = [given["href"] or "" for tag, given in read.tags if tag == "a" and "href" in given]
    assert "#model=small&suite=Desk&expected=billing&actual=desk" in links
    assert "#model=small&outcome=missed" in links
    assert "#model=small&cause=api_status_429" in links


def test_a_run_without_any_trial_is_a_page_too() -> None:
    text = html_report([], Headline(verdict="nothing changed", tone="good"))
    assert "nothing changed" in Page(text).words


def test_of_two_runs_pairs_say_where_they_part_and_what_flipped() -> None:
    before = [trial("Charged twice", conversation()), trial("Same", conversation())]
    after = [trial("Charged twice", conversation(to=None)), trial("Same", conversation())]
    text = html_report(
        [reported(before, "before"), reported(after, "after")],
        Headline(verdict="regressed", tone="bad"),
    )
    index = unpacked(Page(text).texts["index"])
    parted, same = index["entries"]
    assert parted["parted"] == [1, 1]
    assert parted["flips"] == ["worse"]
    assert "the answers are not" in parted["request"]
    assert (same["parted"], same["flips"]) == (None, [])


@pytest.mark.parametrize("text", ["</template><script>x()</script>", "<!--", "\"'>", "\ud83d"])
def test_no_text_gets_out_of_its_place(text: str) -> None:
    hostile = trial(text or "x", conversation(said=text, reply=text), model=text, suite=text)
    found = Page(page([hostile]))
    assert [tag for tag, _ in found.tags].count("script") == 1
    assert found.tags[-1][0] == "script"


def test_what_would_act_unseen_is_shown_as_a_sign() -> None:
    text = page([trial("A question", conversation(), model="\x1b[31mred \u202ereversed")])
    assert not re.search("[\x1b\u202e]", text)
    assert "\\x1b[31mred \\u202ereversed" in text


def test_a_text_of_a_million_characters_makes_no_large_page() -> None:
    long = "so it went on and on, " * 50_000
    found = trial(long, conversation(said=long, reply=long), model=long, suite=long)
    assert len(page([found])) < 600_000


def test_data_is_the_same_whenever_it_is_packed() -> None:
    assert pack({"a": 1}) == pack({"a": 1})
