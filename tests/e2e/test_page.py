"""The search page in Chromium, on a real server: what a person sees, types, drops and presses."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.conftest import COLLECTION, PICTURES, Visit

pytestmark = pytest.mark.services

Visitor = Callable[..., Visit]

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}

_FILE_EVENT = """
([type, target, name, data]) => {
  const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: "image/png" }));
  const options = { bubbles: true, cancelable: true };
  document.querySelector(target).dispatchEvent(type === "paste"
    ? new ClipboardEvent(type, { ...options, clipboardData: transfer })
    : new DragEvent(type, { ...options, dataTransfer: transfer }));
}
"""


def first_picture(page: Page) -> Locator:
    return page.locator(".hit.image").first


def first_text(page: Page) -> Locator:
    return page.locator(".hit.text").first


def search(page: Page, words: str) -> None:
    """Type the words and wait for their answer."""
    with page.expect_response(lambda response: is_search(response.url)):
        page.locator("#query").fill(words)
    expect(page.locator("body")).not_to_have_class(re.compile("busy"))


def is_search(url: str) -> bool:
    return url.endswith("/search")


def give_file(page: Page, event: str, target: str, file: Path) -> None:
    data = base64.b64encode(file.read_bytes()).decode()
    page.evaluate(_FILE_EVENT, [event, target, file.name, data])


# --- searching -----------------------------------------------------------------------------------


def test_the_welcome_tells_the_totals_and_shows_pictures(page: Page) -> None:
    expect(page.locator(".totals")).to_contain_text("7 pictures and 3 passages")
    expect(page.locator(".hit.image")).to_have_count(7)
    expect(page).to_have_title("Semblance")


def test_the_welcome_shows_texts_where_they_are_asked_for(page: Page) -> None:
    page.get_by_role("radio", name="Texts").check(force=True)
    expect(page.locator(".hit.text")).to_have_count(3)
    expect(page.locator(".hit.image")).to_have_count(0)


def test_typing_finds_the_cat_without_enter(page: Page) -> None:
    page.locator("#query").press_sequentially("a cat", delay=30)
    expect(first_picture(page)).to_contain_text("cat.")
    expect(page).to_have_title("a cat – Semblance")


def test_a_word_typed_fast_is_searched_for_once(visit: Visitor) -> None:
    opened = visit()
    page = opened.open()
    expect(page.locator(".totals")).to_be_visible()
    page.locator("#query").press_sequentially("motorcycle", delay=20)
    expect(first_picture(page)).to_contain_text("motorcycle")
    assert len([url for url in opened.requested if is_search(url)]) == 1


def test_a_late_answer_never_replaces_a_newer_one(page: Page) -> None:
    held: list[Route] = []

    def hold_rockets(route: Route) -> None:
        if "rocket" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/search", hold_rockets)
    page.locator("#query").fill("rocket")
    page.wait_for_timeout(400)
    search(page, "a red motorcycle")
    expect(first_picture(page)).to_contain_text("motorcycle")
    for route in held:
        route.continue_()
    page.wait_for_timeout(500)
    expect(first_picture(page)).to_contain_text("motorcycle")
    assert len(held) == 1


def test_texts_show_where_they_are_and_mark_the_words(page: Page) -> None:
    search(page, "lighthouse keeper")
    expect(first_text(page).locator(".place b")).to_have_text("lighthouse.txt")
    expect(first_text(page).locator("mark")).to_have_text(["keeper", "lighthouse"])


def test_markup_in_a_text_stays_text(page: Page) -> None:
    search(page, "markup in plain words")
    passage = page.locator(".hit.text", has_text="<b>markup</b>")
    expect(passage).to_be_visible()
    expect(passage.locator(".passage :is(b, img)")).to_have_count(0)


def test_kinds_narrow_the_search(page: Page) -> None:
    search(page, "bread")
    page.get_by_role("radio", name="Texts").check(force=True)
    expect(first_text(page)).to_contain_text("dough")
    expect(page.locator(".hit.image")).to_have_count(0)
    page.get_by_role("radio", name="Pictures").check(force=True)
    expect(page.locator(".hit.text")).to_have_count(0)


def test_a_chosen_picture_finds_itself(page: Page) -> None:
    page.locator("#picture").set_input_files(PICTURES / "coffee.png")
    expect(first_picture(page)).to_contain_text("cup of coffee")
    expect(page.locator(".chip.picture img")).to_have_attribute("alt", "your picture")


def test_a_pasted_picture_finds_itself(page: Page) -> None:
    give_file(page, "paste", "#query", PICTURES / "coins.png")
    expect(first_picture(page)).to_contain_text("coins")


def test_a_dropped_picture_finds_itself(page: Page) -> None:
    give_file(page, "dragenter", "body", PICTURES / "rocket.jpg")
    expect(page.locator("#drop")).to_be_visible()
    give_file(page, "drop", "[data-to=search]", PICTURES / "rocket.jpg")
    expect(page.locator("#drop")).to_be_hidden()
    expect(first_picture(page)).to_contain_text("rocket")


def test_words_and_a_picture_together(page: Page) -> None:
    page.locator("#picture").set_input_files(PICTURES / "coffee.png")
    expect(first_picture(page)).to_contain_text("cup of coffee")
    with page.expect_request(lambda request: is_search(request.url)) as sent:
        page.locator("#query").fill("astronaut")
    body = json.loads(sent.value.post_data or "")
    assert [sorted(part) for part in body["parts"]] == [["text"], ["image"]]
    expect(page.locator(".chip.picture")).to_be_visible()


def test_more_like_this_finds_the_other_cat(page: Page) -> None:
    search(page, "a cat")
    cat = page.locator(".hit.image", has_text=re.compile(r"^cat\."))
    cat.hover()
    cat.get_by_label("More like this").click()
    expect(page.locator(".chip.like")).to_have_count(1)
    expect(cat).to_have_count(0)
    search(page, "")
    expect(first_picture(page)).to_contain_text("second cat")
    page.get_by_label("Remove: Like cat.png").click()
    expect(page.locator(".totals")).to_be_visible()


def test_words_just_typed_survive_a_click(page: Page) -> None:
    search(page, "a cat")
    page.locator("#query").fill("a cat on a sofa")
    page.locator("#kinds input[value=image]").dispatch_event("click")  # before the pause is over
    expect(page).to_have_url(re.compile("q=a%20cat%20on%20a%20sofa&kind=image"))
    expect(page.locator("#query")).to_have_value("a cat on a sofa")


def test_less_like_this_pushes_away(page: Page) -> None:
    search(page, "a cat")
    first = first_picture(page)
    first.hover()
    first.get_by_label("Less like this").click()
    expect(page.locator(".chip.unlike")).to_have_count(1)
    expect(first_picture(page)).not_to_contain_text("cat")


# --- relevance -----------------------------------------------------------------------------------


def test_hits_say_how_relevant_they_are(page: Page) -> None:
    search(page, "a cat")
    score = first_picture(page).locator(".score")
    expect(score).to_have_text(re.compile(r"^\d{1,3} %$"))
    expect(score).to_have_attribute(
        "title", re.compile(r"^Relevance: \d+ %\. Similarity .* \(cosine\)$")
    )
    first_picture(page).locator(".open").click()
    expect(page.locator(".facts")).to_contain_text("Relevance")
    expect(page.locator(".facts")).to_contain_text("Cosine")


def test_the_page_says_when_nothing_clearly_matches(page: Page) -> None:
    search(page, "a cat")
    expect(page.locator(".section.image .remark")).to_be_hidden()
    expect(page.locator(".section.text .remark")).to_be_visible()
    search(page, "xqzv blorp")
    expect(page.locator(".section.image .remark")).to_contain_text("No picture clearly matches")
    expect(page.locator("#status")).to_contain_text("none a clear match")


def test_clear_matches_only_may_leave_nothing(page: Page) -> None:
    only = page.get_by_label("Clear matches only")
    expect(only).to_be_hidden()
    search(page, "a cat")
    with page.expect_response(lambda response: is_search(response.url)):
        only.check()
    expect(page.locator(".hit")).to_have_count(2)  # the cat and its mirror image
    expect(first_picture(page)).to_contain_text("cat")
    expect(page).to_have_url(re.compile("clear=1"))
    search(page, "xqzv blorp")
    expect(page.locator(".note")).to_contain_text("Nothing clearly matches.")
    page.get_by_role("button", name="Show the nearest").click()
    expect(only).not_to_be_checked()
    expect(page.locator(".hit.image")).not_to_have_count(0)


# --- the view in the URL -------------------------------------------------------------------------


def test_reload_keeps_the_view(page: Page) -> None:
    page.locator("#picture").set_input_files(PICTURES / "chelsea.png")
    expect(first_picture(page)).to_contain_text("cat")
    search(page, "on a blanket")
    first_picture(page).hover()
    first_picture(page).get_by_label("Less like this").click()
    page.get_by_role("radio", name="Pictures").check(force=True)
    expect(page.locator(".hit.text")).to_have_count(0)
    names = page.locator(".hit .caption").all_inner_texts()
    page.reload()
    expect(page.locator("#query")).to_have_value("on a blanket")
    expect(page.get_by_role("radio", name="Pictures")).to_be_checked()
    expect(page.locator(".chip.picture, .chip.unlike")).to_have_count(2)
    expect(page.locator(".hit")).to_have_count(len(names))
    assert page.locator(".hit .caption").all_inner_texts() == names


def test_back_undoes_one_step_at_a_time(page: Page) -> None:
    search(page, "a rocket")
    page.get_by_role("radio", name="Pictures").check(force=True)
    expect(page).to_have_url(re.compile("kind=image"))
    first_picture(page).locator(".open").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.go_back()
    expect(page.get_by_role("radio", name="All")).to_be_checked()
    page.go_back()
    expect(page.locator("#query")).to_have_value("")
    expect(page.locator(".totals")).to_be_visible()


def test_a_link_opens_the_asset(visit: Visitor, page: Page) -> None:
    search(page, "a red motorcycle")
    link = first_picture(page).locator(".open").get_attribute("href")
    assert link is not None
    other = visit().open(link.lstrip("/"))
    expect(other.get_by_role("dialog").locator("h2")).to_have_text("motorcycle.png")


# --- one asset -----------------------------------------------------------------------------------


def test_the_dialog_tells_all_and_leads_on(page: Page, sample_folder: Path) -> None:
    search(page, "a cat")
    name = first_picture(page).locator(".caption span").first.inner_text()
    first_picture(page).locator(".open").click()
    dialog = page.get_by_role("dialog", name=name)
    expect(dialog.locator(".sheet img")).to_have_attribute("src", re.compile("/content$"))
    expect(dialog).to_contain_text(str(sample_folder / name))
    expect(dialog).to_contain_text("451 × 300 pixels")
    with page.expect_download() as download:
        dialog.get_by_text("Download").click()
    assert download.value.suggested_filename.endswith((".png", ".jpg"))
    dialog.locator(".near a").first.click()
    expect(page.get_by_role("dialog").locator("h2")).to_contain_text("cat")
    expect(page.get_by_role("dialog").locator("h2")).not_to_have_text(name)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_text_opens_whole(page: Page) -> None:
    search(page, "bread")
    first_text(page).locator(".open").click()
    expect(page.get_by_role("dialog", name="bread.txt").locator(".sheet")).to_contain_text(
        "Knead the dough"
    )


# --- keyboard ------------------------------------------------------------------------------------


def test_the_keyboard_is_enough(page: Page) -> None:
    page.get_by_role("radio", name="Pictures").focus()
    page.keyboard.press("/")
    expect(page.locator("#query")).to_be_focused()
    page.keyboard.type("a cat")
    expect(page).to_have_url(re.compile("q=a%20cat"))
    expect(page.locator("body")).not_to_have_class(re.compile("busy"))
    page.keyboard.press("ArrowDown")
    links = page.locator(".hit.image .open")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(links.nth(1)).not_to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#query")).to_be_focused()


def test_plus_and_minus_judge_the_focused_hit(page: Page) -> None:
    search(page, "a cat")
    first_picture(page).locator(".open").focus()
    page.keyboard.press("+")
    expect(page.locator(".chip.like")).to_have_count(1)
    expect(first_picture(page).locator(".open")).to_be_focused()
    page.keyboard.press("-")
    expect(page.locator(".chip.unlike")).to_have_count(1)


def test_question_mark_shows_the_keys_and_can_switch_them_off(page: Page) -> None:
    page.get_by_role("radio", name="Pictures").focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    dialog.get_by_label("Single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="Pictures").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)


# --- looks ---------------------------------------------------------------------------------------


def test_dark_follows_the_system_and_the_button_is_remembered(visit: Visitor) -> None:
    page = visit(color_scheme="dark").open()
    assert brightness(page) < 60
    page.get_by_label("Light or dark").click()
    assert brightness(page) > 200
    page.reload()
    assert brightness(page) > 200


def brightness(page: Page) -> float:
    """Of the page's background, from 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    channels = [float(value) for value in re.findall(r"[\d.]+", str(colour))][:3]
    return sum(channels) / 3


@pytest.mark.parametrize(
    "view",
    ["", "?q=a+cat", "?q=bread&kind=text", "?q=zebra&like=00000000-0000-5000-8000-000000000000"],
)
def test_a_phone_never_scrolls_sideways(visit: Visitor, view: str) -> None:
    opened = visit(**PHONE)
    opened.accepted = ("404",)
    page = opened.open(view)
    expect(page.locator(".hit, .note").first).to_be_visible()
    assert overhang(page) == 0


def test_a_phone_shows_the_dialog_whole(visit: Visitor) -> None:
    page = visit(**PHONE).open("?q=a+cat")
    first_picture(page).locator(".open").click()
    expect(page.get_by_role("dialog").locator(".near img").first).to_be_visible()
    assert overhang(page) == 0
    assert page.evaluate("document.querySelector('dialog').getBoundingClientRect().width") == 390


def overhang(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def test_nothing_moves_while_pictures_arrive(visit: Visitor) -> None:
    page = visit().open("?q=a+cat")
    expect(page.locator(".hit.image img.here").first).to_be_visible()
    page.wait_for_timeout(500)
    shift = page.evaluate(
        """() => new Promise((resolve) => new PerformanceObserver((list) => resolve(
             list.getEntries().reduce((sum, entry) => sum + entry.value, 0)))
           .observe({ type: "layout-shift", buffered: true }) ?? setTimeout(resolve, 500, 0))"""
    )
    assert shift < 0.02


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "state", ["welcome", "results", "asset", "keys", "add", "nothing", "unclear"]
)
def test_axe_finds_no_violations(visit: Visitor, axe: Any, scheme: str, state: str) -> None:
    page = visit(color_scheme=scheme).open("" if state in ("welcome", "keys") else "?q=a+cat")
    expect(page.locator(".hit").first).to_be_visible()
    if state == "results":
        first_picture(page).get_by_label("Less like this").click(force=True)
        expect(page.locator(".chip")).to_have_count(1)
    elif state == "asset":
        first_picture(page).locator(".open").click()
        expect(page.locator(".near img").first).to_be_visible()
    elif state == "nothing":
        page.route("**/search", lambda route: route.fulfill(json={"hits": [], "milliseconds": {}}))
        page.locator("#query").fill("nothing at all")
        expect(page.locator(".note")).to_be_visible()
    elif state == "unclear":
        search(page, "xqzv blorp")
        expect(page.locator(".section.image .remark")).to_be_visible()
    elif state != "welcome":
        page.locator(f"#{state}").click()
        expect(page.get_by_role("dialog")).to_be_visible()
    # Colours are those of the page, not of a fade on its way.
    expect(page.locator("#results")).to_have_css("opacity", "1")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = axe.run(page, options={"runOnly": tags})
    assert found.violations_count == 0, found.generate_report()


# --- honest states -------------------------------------------------------------------------------


def test_no_collection_yet_shows_the_command(visit: Visitor) -> None:
    opened = visit()
    opened.context.route("**/v1/collections", lambda route: route.fulfill(json=[]))
    page = opened.open()
    expect(page.locator(".note")).to_contain_text("semblance index ~/Pictures")
    opened.context.unroute("**/v1/collections")
    expect(page.locator(".totals")).to_be_visible()


def test_a_server_that_is_away_is_asked_again(visit: Visitor) -> None:
    opened = visit()
    opened.accepted = ("Failed to load resource",)
    page = opened.open()
    expect(page.locator(".totals")).to_be_visible()
    page.route("**/search", lambda route: route.abort())
    page.locator("#query").fill("a cat")
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    page.unroute("**/search")
    expect(first_picture(page)).to_contain_text("cat")
    expect(page.locator("#banner")).to_be_hidden()


def test_the_servers_own_words_explain_an_error(visit: Visitor) -> None:
    opened = visit()
    opened.accepted = ("404",)
    page = opened.open("?like=00000000-0000-5000-8000-000000000000")
    expect(page.get_by_role("alert")).to_contain_text(
        f"There is no asset 00000000-0000-5000-8000-000000000000 in collection '{COLLECTION}'."
    )
    page.get_by_text("Start over").click()
    expect(page.locator(".totals")).to_be_visible()


# --- adding (last: it changes the collection) ----------------------------------------------------


def test_upload_tells_progress_and_each_failure(page: Page, tmp_path: Path) -> None:
    (tmp_path / "not a picture.png").write_bytes(b"only words")
    page.get_by_role("button", name="Add").click()
    dialog = page.get_by_role("dialog", name=f"Add to {COLLECTION}")
    files: list[Any] = [PICTURES / "horse.png", tmp_path / "not a picture.png"]
    dialog.locator("input[type=file]").set_input_files(files)
    expect(dialog.locator(".log")).to_contain_text("1 file added.", timeout=60_000)
    expect(dialog.locator(".failures li")).to_have_count(1)
    expect(dialog.locator(".failures")).to_contain_text("not a picture.png")
    page.keyboard.press("Escape")
    page.locator("#picture").set_input_files(PICTURES / "horse.png")
    expect(first_picture(page)).to_contain_text("horse.png")
