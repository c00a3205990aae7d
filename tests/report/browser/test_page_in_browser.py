"""The page of a report in a browser: by mouse and keyboard, on a telephone, in the dark, and without script."""

from __future__ import annotations

import base64
import csv
import io

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = pytest.mark.browser
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
SORTABLE = "table[data-sortable]"


@pytest.fixture(params=["report", "own_report"])
def any_report(request):
    return request.getfixturevalue(request.param)


def column(page, name: str) -> list[str]:
    """The cells of the column whose heading begins with `name`."""
    headings = page.locator(f"{SORTABLE} thead th").all_inner_texts()
    place = next(i for i, text in enumerate(headings) if " ".join(text.split()).startswith(name)) + 1
    return page.locator(f"{SORTABLE} tbody tr > :nth-child({place})").all_inner_texts()


def heading(page, name: str):
    return page.locator(f"{SORTABLE} thead th", has=page.get_by_role("button", name=name))


def test_nothing_is_requested_and_the_console_stays_empty(page, any_report):
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(any_report.as_uri())
    page.get_by_role("button").first.click()
    assert complaints == []
    assert [url for url in requests if not url.startswith("data:")] == [any_report.as_uri()]


def test_a_click_sorts_and_a_third_restores_the_order(page, report):
    page.goto(report.as_uri())
    rows = column(page, "row")
    button = page.get_by_role("button", name="paper top-1")
    states = []
    for _ in range(3):
        button.click()
        states.append((heading(page, "paper top-1").get_attribute("aria-sort"), column(page, "paper top-1")))
    assert [state for state, _ in states] == ["ascending", "descending", "none"]
    numbers = [[float(cell) for cell in cells] for _, cells in states[:2]]
    assert numbers == [sorted(numbers[0]), sorted(numbers[0], reverse=True)]
    assert column(page, "row") == rows


def test_sorting_works_by_keyboard_and_is_announced(page, report):
    page.goto(report.as_uri())
    page.get_by_role("button", name="ours, top-1").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    assert heading(page, "ours, top-1").get_attribute("aria-sort") == "descending"
    assert "sorted by ours, top-1 mean ± sd (n), descending" in page.get_by_role("status").inner_text()
    cells = column(page, "ours, top-1")
    assert cells[0].startswith("21.00")
    assert cells[-3:] == ["-"] * 3, "missing values come last in either order"


def test_the_other_headings_are_unsorted_again(page, report):
    page.goto(report.as_uri())
    page.get_by_role("button", name="paper top-1").click()
    page.get_by_role("button", name="verdict").click()
    assert heading(page, "paper top-1").get_attribute("aria-sort") == "none"
    assert heading(page, "verdict").get_attribute("aria-sort") == "ascending"


@pytest.mark.parametrize("width", [375, 1440])
def test_nothing_overflows(page, any_report, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(any_report.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.evaluate(
        """() => [...document.querySelectorAll('main *')].filter(one => !one.closest('.scroll, svg')
        && one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 80))"""
    )
    assert beyond == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(page, any_report, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto(any_report.as_uri())
    page.evaluate("document.querySelector('details').open = true")
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()


def test_figures_have_names_and_can_be_read_in_the_dark(page, report):
    page.emulate_media(color_scheme="dark")
    page.goto(report.as_uri())
    figures = page.locator("figure > svg")
    assert figures.count() >= 4
    for place in range(4):
        assert page.get_by_role("img").nth(place).get_attribute("aria-labelledby")
    colour = page.locator("figure svg text").first.evaluate("one => getComputedStyle(one).fill")
    assert min(map(int, colour.removeprefix("rgb(").rstrip(")").split(","))) > 128
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))


def test_figures_are_saved_as_svg_and_numbers(page, report):
    page.goto(report.as_uri())
    saved = {}
    for link in page.locator(".figures a[download]").all():
        with page.expect_download() as download:
            link.click()
        saved[download.value.suggested_filename] = download.value.path().read_text()
    assert {"ladder.svg", "ladder.csv", "changes.svg", "changes.csv", "curves.csv"} <= set(saved)
    assert saved["ladder.svg"].startswith("<?xml")
    lines = {line["row"]: line for line in csv.DictReader(io.StringIO(saved["ladder.csv"]))}
    assert lines["Inception-v2"]["seeds"] == "20 21.5 21"


def test_without_script_the_page_is_whole(browser, report):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.get_by_role("button").count() == 0, "what would do nothing is not there"
    assert "paper" in page.locator(f"{SORTABLE} thead").inner_text()
    details = page.locator("details").first
    details.locator("summary").click()
    assert details.locator("table.matrix").is_visible()
    context.close()


def test_confusion_and_calibration_are_those_of_the_cell(page, report):
    page.goto(report.as_uri())
    details = page.locator("details", has_text="Label smoothing, seed 0")
    details.locator("summary").click()
    counts = details.locator("table.matrix td").all_inner_texts()
    assert sum(int(text) for text in counts if text != "·") == 200
    uri = details.get_by_role("link", name="Confused pairs").get_attribute("href")
    pairs = list(csv.DictReader(io.StringIO(base64.b64decode(uri.partition(",")[2]).decode())))
    assert sum(int(pair["images"]) for pair in pairs) == 12
    assert "ECE" in details.inner_text()


def test_a_printed_page_shows_all_columns(page, report):
    page.goto(report.as_uri())
    page.set_viewport_size({"width": 690, "height": 1000})
    page.emulate_media(media="print")
    widths = page.evaluate("[...document.querySelectorAll('table')].map(one => one.getBoundingClientRect().right)")
    assert max(widths) <= 691


def test_runs_are_linked(page, report):
    page.goto(report.as_uri())
    links = page.locator("section[aria-labelledby=runs-heading] a")
    assert links.count() == 15
    assert all((report.parent / link.get_attribute("href") / "result.json").is_file() for link in links.all())
