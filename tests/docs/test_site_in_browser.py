"""The documentation in a browser, as files: on a telephone and on a wide screen, and its search."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser


def pages(site):
    return sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)


@pytest.mark.parametrize("width", [375, 1440])
def test_no_page_scrolls_sideways_or_complains_or_asks_the_network(page, site, width):
    complaints, requests, wide = [], [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.set_viewport_size({"width": width, "height": 900})
    for path in pages(site):
        page.goto(path.as_uri())
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(path.name)
    assert wide == []
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert len(pages(site)) > 60


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("pre-emption", "Pre-emption and time limits"),
        ("label_smoothing", "Settings: loss"),
        ("dropout before the classifier", "popular articles"),
    ],
)
def test_search_answers_without_a_network(page, site, words, wanted):
    page.goto((site / "index.html").as_uri())
    page.locator("input[name=q]").first.fill(words)
    page.keyboard.press("Enter")
    page.locator("#search-results li", has_text=wanted).first.wait_for()
    assert page.locator("#search-results li").count() < 60


def test_the_menu_opens_on_a_telephone(page, site):
    page.set_viewport_size({"width": 375, "height": 900})
    page.goto((site / "index.html").as_uri())
    page.locator("label.nav-overlay-icon").first.click()
    page.locator(".sidebar-tree").get_by_role("link", name="Your own photographs").click()
    assert page.url.endswith("how-to/own_photographs.html")
