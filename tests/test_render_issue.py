"""An issue rendered once: what stands in it, in which order, and what hostile text cannot do."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise

import pytest

import sample_issues as stories
from digest.domain import FLOATING, Content, Event, IssueSection, Rendered, Tier
from digest.render import Templates, address, open_templates, public, render
from digest.render.fold import columns

TEMPLATES = open_templates()
CRUEL = stories.cruel()


class Reading(HTMLParser):
    """Links and headings of a page, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]


def rendered(content: Content, templates: Templates = TEMPLATES) -> Rendered:
    return render(content, stories.MASTHEAD, templates)


def read_by_ada(content: Content) -> tuple[str, str]:
    """HTML and text as one reader gets them."""
    message = address(
        rendered(content), stories.READER, stories.MASTHEAD, stories.LINKS, issue_id=1, date=stories.UNTIL
    )
    return message.html, message.text


def test_the_same_issue_renders_to_the_same_bytes() -> None:
    content = stories.week()

    assert rendered(content) == rendered(content, open_templates())


def test_the_subject_holds_name_number_and_as_many_whole_titles_as_fit() -> None:
    titles = ("Atlas 4", "One form", "x" * 60, "Twelve logs")
    content = stories.news(*(stories.story(title, tier=Tier.ITEM) for title in titles))

    assert rendered(content).subject == "The Week in AI 47: Atlas 4, One form, Twelve logs"


def test_a_long_first_title_is_cut_at_a_word() -> None:
    subject = rendered(stories.week()).subject

    assert subject == "The Week in AI 47: A public register now lists every permit for a…"
    assert len(subject) <= 70


def test_an_editors_subject_wins() -> None:
    content = replace(stories.week(), subject="A quiet\n week")

    assert rendered(content).subject == "A quiet week"


def test_the_preheader_tells_other_facts_and_is_hidden_in_the_page() -> None:
    issue = rendered(stories.week())

    assert issue.preheader.startswith("21 stories, 4 events · A diary of ninety small failures")
    assert "A public register" not in issue.preheader
    assert re.search(r'<div class="z" style="display:none;[^"]*font-size:1px[^"]*">21 stories', issue.html)


def test_the_head_says_number_days_counts_and_minutes() -> None:
    html, text = read_by_ada(stories.week())

    assert "Issue 47 · 16–22 November 2026 · 21 stories, 4 events · 6 minutes to skim" in html
    assert "16–22 November 2026, 21 stories, 4 events, 6 minutes to skim" in text


def test_the_contents_name_the_top_story_and_count_the_rest() -> None:
    html, _ = read_by_ada(stories.week())

    assert re.search(r">A public register [^<]*</a>, and&nbsp;11&nbsp;more<", html)
    assert re.search(r">Open Evaluation Afternoon</a>, and&nbsp;3&nbsp;more,&nbsp;3&nbsp;deadlines<", html)


def test_text_has_every_story_link_of_the_page_in_the_same_order() -> None:
    html, text = read_by_ada(stories.week())
    own = {story.url for story in stories.week().stories}

    in_page = list(dict.fromkeys(url for url in Reading(html[html.index("<h2") :]).links if url in own))
    in_text = [line.strip() for line in text.splitlines() if line.strip() in own]

    assert in_page == in_text
    assert set(in_text) == own


def test_text_has_calendar_and_personal_links_too() -> None:
    _, text = read_by_ada(stories.week())

    assert "  Calendar: https://digest.example/n/weekly/issues/47/events/event0.ics\n" in text
    own = (stories.LINKS.leave, stories.LINKS.browser, stories.LINKS.preferences)
    assert all(f"\n{link}\n" in text for link in own)


@pytest.mark.parametrize("name", CRUEL)
def test_text_keeps_to_78_columns_whatever_comes(name: str) -> None:
    _, text = read_by_ada(CRUEL[name])

    lines = [line for line in text.splitlines() if "https://" not in line]

    assert max(map(columns, lines)) <= 78


@pytest.mark.parametrize("name", CRUEL)
def test_no_mark_of_ours_is_left_in_a_readers_mail(name: str) -> None:
    html, text = read_by_ada(CRUEL[name])

    assert not re.search("[\ue000\ue001]", html + text)


def test_text_from_a_feed_is_never_a_template_or_a_tag() -> None:
    html, text = read_by_ada(CRUEL["markup"])

    assert "{{ 7*7 }} {% raw %} &lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert {"script", "img"}.isdisjoint(Reading(html).tags)
    assert "49" not in text.split("== NEWS")[1].split("====")[0]


def test_a_feed_cannot_write_a_mark_or_turn_the_direction_of_text() -> None:
    html, text = read_by_ada(CRUEL["control characters"])

    assert "A B C D leave E" in html
    assert "A B C D leave E" in text


def test_a_story_in_arabic_runs_from_right_to_left() -> None:
    html, _ = read_by_ada(CRUEL["arabic"])

    assert html.count(' lang="ar"') == html.count(' dir="rtl"') == 3


def test_a_newsletter_in_hebrew_runs_from_right_to_left() -> None:
    hebrew = replace(stories.MASTHEAD, language="he")

    page = render(stories.week(), hebrew, TEMPLATES).html

    assert '<html lang="he" dir="rtl">' in page
    assert 'dir="ltr"' in page


def test_a_very_long_word_has_places_to_break() -> None:
    html, _ = read_by_ada(CRUEL["a long word"])

    assert "Rindfleische<wbr>tikettierung<wbr>" in html


def test_a_section_without_stories_is_not_shown() -> None:
    html, text = read_by_ada(CRUEL["an empty section"])

    assert "Learnings" not in html
    assert "LEARNINGS" not in text


def test_a_section_of_ones_own_is_ink() -> None:
    html, _ = read_by_ada(
        stories.content(IssueSection(key="jobs", label="Jobs", stories=(stories.story("A"),)))
    )

    assert '<h2 class="o"' in html


def test_a_place_that_says_that_it_is_online_is_not_told_to_be_online_too() -> None:
    places = ("Online", "Zoom", "Aarhus", "")
    events = (stories.UNTIL + timedelta(days=1 + day) for day in range(len(places)))
    told = tuple(
        stories.story(f"Talk {place}", section="events", event=Event(starts_at=at, place=place, online=True))
        for at, place in zip(events, places, strict=True)
    )

    html, text = read_by_ada(stories.content(IssueSection(key="events", label="Events", stories=told)))

    assert re.findall(r"\d\d:\d\d · ([^<]+)<", html) == ["Online", "Zoom", "Aarhus and online", "Online"]
    assert "  Online\n" in text
    assert "Online and online" not in text


def test_events_tell_times_in_the_newsletters_zone_and_the_organisers() -> None:
    html, _ = read_by_ada(stories.week())

    assert "Times are in Copenhagen (CET)." in html
    assert "Until Wed 2 Dec, from 10:00 (09:00 in Lisbon) · Lisbon and online" in html
    assert "end of day, anywhere on earth" in html
    assert "All day · Tartu" in html


@pytest.mark.parametrize("zone", ["Europe/Copenhagen", "America/New_York"])
def test_an_hour_without_a_zone_is_told_as_local_time_to_every_reader(zone: str) -> None:
    starts = datetime(2026, 12, 2, 18, 0, tzinfo=UTC)
    evening = Event(starts_at=starts, ends_at=starts + timedelta(hours=2), zone=FLOATING, place="Aarhus")
    week = stories.week()
    (events,) = [section for section in week.sections if section.key == "events"]
    told = replace(events, stories=(replace(events.stories[0], event=evening),))

    here = replace(stories.MASTHEAD, zone=zone)
    page = render(replace(week, sections=(told,)), here, TEMPLATES)
    message = address(page, stories.READER, here, stories.LINKS, issue_id=1, date=stories.UNTIL)
    html, text = message.html, message.text

    assert "18:00–20:00 local time · Aarhus" in html
    assert "* Wed 2 Dec, 18:00–20:00 local time" in text
    assert "Times are in" not in html


def test_a_deadline_at_midnight_is_told_as_the_day_before() -> None:
    _, text = read_by_ada(stories.week())

    assert "* Mon 30 Nov, 23:59 (22:59 in Lisbon):\n  Small Models Summit: early price\n" in text


def test_the_foot_says_what_was_read_and_what_failed() -> None:
    html, _ = read_by_ada(stories.week())

    assert "214 articles from 42 sources became these 21 stories and 4 events." in html
    assert "2 sources could not be read this time: Grid &amp; Ground and Elbbote." in html


def test_the_foot_of_one_section_counts_what_that_section_tells() -> None:
    news, learnings, _ = stories.week().sections
    told = tuple(
        replace(one, article_ids=(10 + number, 20 + number), source="One", also=("Two",))
        for number, one in enumerate(learnings.stories)
    )
    issue = replace(stories.week(), sections=(news, replace(learnings, stories=told)))

    part, less, whole = (
        " ".join(rendered(content).text.split())
        for content in (
            issue.only(["learnings"]),
            issue.only(["learnings"]).without([told[0].key]),
            issue.only(["news", "learnings"]),
        )
    )

    assert "18 articles from 2 sources became these 9 stories." in part
    assert "16 articles from 2 sources became these 8 stories." in less
    assert "214 articles from 42 sources became" in whole


def test_the_foot_says_why_one_gets_it() -> None:
    html, text = read_by_ada(stories.week())

    assert (
        "You get this weekly at ada@reader.example because you confirmed your sign-up on 3 March 2026."
        in html
    )
    assert "because you confirmed your sign-up on 3 March 2026." in text
    assert "because you signed up for it" not in html + text


def test_a_reader_without_dates_is_told_no_date() -> None:
    undated = replace(stories.READER, confirmed_at=None, requested_at=None)

    message = address(
        rendered(stories.week()), undated, stories.MASTHEAD, stories.LINKS, issue_id=1, date=stories.UNTIL
    )

    assert "because you signed up for it." in message.html
    assert "because you signed up for it." in message.text


def test_the_archives_page_has_nothing_of_a_reader() -> None:
    page = public(rendered(stories.week()), stories.MASTHEAD, browser=stories.LINKS.browser)

    assert "Get the next issue by mail." in page
    assert "Unsubscribe" not in page
    assert "You get this" not in page
    assert not re.search("[\ue000\ue001]", page)


def test_there_is_no_image_script_form_or_outside_style() -> None:
    html, _ = read_by_ada(stories.week())

    assert {"img", "script", "form", "link", "iframe", "input"}.isdisjoint(Reading(html).tags)


def test_thirty_stories_stay_under_40_kilobytes_and_the_style_sheet_under_4() -> None:
    html, _ = read_by_ada(stories.thirty())
    styles = re.findall(r"<style>.*?</style>", html, re.DOTALL)

    assert len(html.encode()) < 40 * 1024
    assert len(styles[0].encode()) < 4 * 1024
    assert len([style for style in styles if "mso" not in style]) == 2  # ours, and Outlook's in its comment


def test_headings_go_down_one_step_at_a_time() -> None:
    html, _ = read_by_ada(stories.week())
    levels = [int(tag[1]) for tag in Reading(html).tags if re.fullmatch("h[1-6]", tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_a_note_of_two_paragraphs_stays_two() -> None:
    html, text = read_by_ada(stories.news(stories.story("A", tier=Tier.LEAD), note="One.\n\nTwo\nlines."))

    assert html.count('<p class="q') == 2
    assert "One.\n\nTwo lines.\n" in text


def test_corrections_stand_after_the_sections_and_lead_to_the_issue_that_they_correct() -> None:
    content = replace(
        stories.week(),
        corrections=(stories.correction("An old title", "A new one"), stories.correction("Lost")),
    )

    html, text = read_by_ada(content)

    links = Reading(html).links
    assert f"{stories.MASTHEAD.archive}/46" in links
    assert content.corrections[0].url in links
    assert content.corrections[1].url not in links
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))
    first, second = (
        "In No. 46 we told “An old title”; its source now says “A new one”.",
        "In No. 46 we told “Lost”; its page is gone.",
    )
    for told in (words, " ".join(text.split())):
        assert told.count(first) == told.count(second) == 1
        assert told.index(content.stories[-1].title) < told.index(first) < told.index("Read in a browser")


def test_an_issue_that_corrects_nothing_has_no_such_heading() -> None:
    html, text = read_by_ada(stories.week())

    assert "orrections" not in html
    assert "CORRECTIONS" not in text


def test_hostile_titles_in_corrections_are_words_and_nothing_else() -> None:
    html, text = read_by_ada(CRUEL["corrections"])

    assert "script" not in Reading(html).tags
    assert "img" not in Reading(html).tags
    assert "{{ 7*7 }}" in text
    assert "\ue001" not in html + text
    assert 'dir="rtl"' in html
