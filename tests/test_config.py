"""Settings: read once, checked, and wrong ones said with file, line and the nearest right name."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import config
from digest.config import kinds, local_zone
from digest.domain import Policy
from digest.errors import ConfigError, ConfigMissingError, UnknownSettingError

GOOD = """\
secret = "a secret of thirty-two characters or more"

[smtp]
url = "smtps://user:${SMTP_PASSWORD}@relay.example.org"

[newsletters.week-in-ai]
name = "The Week in AI"
from_address = "news@example.org"
timezone = "Europe/Copenhagen"
policy = "auto-after 6h"
"""
ENVIRON = {"SMTP_PASSWORD": "s3cret"}


def write(folder: Path, text: str) -> Path:
    file = folder / "digest.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_settings_are_read_with_secrets_filled_in_and_hidden(tmp_path: Path) -> None:
    settings = config.load(write(tmp_path, GOOD), ENVIRON)

    assert settings.smtp.url.get_secret_value() == "smtps://user:s3cret@relay.example.org"
    assert "s3cret" not in repr(settings)
    assert "thirty-two" not in repr(settings)


def test_paths_count_from_the_settings_file(tmp_path: Path) -> None:
    settings = config.load(write(tmp_path, GOOD + '[gather]\ncontact = "me@example.org"\n'), ENVIRON)

    assert settings.database.get_secret_value() == f"sqlite:///{tmp_path}/digest.db"


def test_the_policy_tells_how_long_it_waits(tmp_path: Path) -> None:
    chosen = config.load(write(tmp_path, GOOD), ENVIRON).newsletter("week-in-ai")

    assert chosen.release is Policy.AUTO_AFTER
    assert chosen.auto_after.total_seconds() == 6 * 3600


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    environ = ENVIRON | {"DIGEST_SMTP__CONNECTIONS": "9", "DIGEST_PUBLIC_URL": "https://d.example.org/"}

    settings = config.load(write(tmp_path, GOOD), environ)

    assert settings.smtp.connections == 9
    assert settings.public_url == "https://d.example.org"


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        (GOOD.replace("url =", "urll ="), ":4:1", 'did you mean "smtp.url"?'),
        (GOOD.replace("url =", "uncertain ="), ":4:1", 'its name is "delivery.uncertain" now'),
        (GOOD.replace("timezone", "time_zone"), ":9:1", "newsletters.NAME.timezone"),
        ("colour = 1\n" + GOOD, ":1:1", "docs/settings.md"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_name(
    tmp_path: Path, text: str, place: str, hint: str
) -> None:
    with pytest.raises(UnknownSettingError) as caught:
        config.load(write(tmp_path, text), ENVIRON)

    assert place in caught.value.what
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("name", "value", "what", "hint"),
    [
        ("DIGEST_SMTP__PASWORD_FILE", "x", "smtp.pasword_file", "DIGEST_SMTP__PASSWORD_FILE"),
        ("DIGEST_SMPT__URL", "x", "smpt.url", "DIGEST_SMTP__URL"),
        ("DIGEST_SECRTE", "x", "secrte", "DIGEST_SECRET"),
        ("DIGEST_SECRET__URL", "x", '"secret" has no settings', "docs/settings.md"),
        ("DIGEST_ZZZ", "x", "zzz", "docs/settings.md"),
    ],
)
def test_an_unknown_variable_is_named_and_not_the_file(
    tmp_path: Path, name: str, value: str, what: str, hint: str
) -> None:
    with pytest.raises(UnknownSettingError) as caught:
        config.load(write(tmp_path, GOOD), ENVIRON | {name: value})

    assert caught.value.what.startswith(f"${name}")
    assert what in caught.value.what
    assert hint in caught.value.hint
    assert "digest.toml" not in caught.value.what


def test_a_variable_with_a_wrong_value_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(write(tmp_path, GOOD), ENVIRON | {"DIGEST_SMTP__CONNECTIONS": "many"})

    assert caught.value.what.startswith('$DIGEST_SMTP__CONNECTIONS  "smtp.connections": ')


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"Europe/Copenhagen"', '"Europe/Copenhagn"', "did you mean Europe/Copenhagen"),
        ('"auto-after 6h"', '"maybe"', "policy"),
        ('"news@example.org"', '"news@example.org\\r\\nBcc: x@y.example"', "an address looks like"),
        ('"The Week in AI"', '"The Week\\nin AI"', "one line"),
        ("secret = ", "secret_ = ", "secret"),
        ("a secret of thirty-two characters or more", "short", "32"),
        ('"The Week in AI"', '"The Week in AI"\nschedule = "sometimes"', "cron expression"),
        ('"The Week in AI"', '"The Week in AI', ":"),
        ("${SMTP_PASSWORD}", "${NOT_THERE}", "NOT_THERE"),
        ("[newsletters.week-in-ai]", "[newsletters.Week_in_AI]", "newsletters"),
    ],
)
def test_a_wrong_value_is_one_clear_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(write(tmp_path, GOOD.replace(old, new)), ENVIRON)

    assert words in caught.value.what + caught.value.hint
    assert "\n" not in caught.value.what
    assert "s3cret" not in caught.value.what


def test_no_file_says_where_it_was_looked_for_and_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigMissingError) as caught:
        config.load(tmp_path / "nope.toml", {})

    assert str(tmp_path / "nope.toml") in caught.value.what
    assert "digest init" in caught.value.hint


def test_a_file_in_another_encoding_is_one_clear_line(tmp_path: Path) -> None:
    file = tmp_path / "digest.toml"
    file.write_bytes(GOOD.encode("utf-16"))

    with pytest.raises(ConfigError, match="is not UTF-8"):
        config.load(file, ENVIRON)


@given(st.text(max_size=200))
def test_any_text_is_settings_or_one_clear_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("settings") / "digest.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))

    with pytest.raises(ConfigError):
        config.load(file, {})


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('policy = "auto-after 6h"', 'policy = "later"', 'it is "review", "auto" or "auto-after 6h"'),
        ('policy = "auto-after 6h"', 'language = "English!"', 'it looks like "en"'),
        ("a secret of thirty-two characters or more", "short", "it has at least 32 characters"),
        ("[newsletters.week-in-ai]", '[newsletters."Week in AI"]', "a key has small letters"),
        ("[smtp]", '[delivery]\nquiet_hours = "at night"\n[smtp]', 'it looks like "22:00-07:00"'),
        ("[smtp]", '[smtp]\ndkim = { domain = "example" }', 'it looks like "example.org"'),
        ("[smtp]", '[smtp]\ndkim = { domain = "a.example", selector = "a b" }', "it has letters, digits"),
    ],
)
def test_what_a_setting_looks_like_is_said_in_plain_words(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(why)) as refused:
        config.load(write(tmp_path, GOOD.replace(old, new)), ENVIRON)

    assert "pattern" not in refused.value.what
    assert "items" not in refused.value.what


def test_every_setting_with_a_pattern_says_what_it_looks_like() -> None:
    schema = config.Settings.model_json_schema()
    parts = [schema, *schema["$defs"].values()]
    named = {name for part in parts for name, one in part.get("properties", {}).items() if "pattern" in one}

    assert named == {"policy", "quiet_hours", "language", "domain", "selector"}


TOPIC = GOOD + "\n[newsletters.week-in-ai.topics]\n"


NINE = [f'{{ key = "s{number}", label = "S" }}' for number in range(9)]


@pytest.mark.parametrize(
    ("sections", "why"),
    [
        ('[{ key = "a,b", label = "A" }]', '"a,b" is no key'),
        ('[{ key = "", label = "A" }]', '"" is no key'),
        (f'[{{ key = "{"a" * 42}", label = "A" }}]', "is no key: at most 41"),
        (
            '[{ key = "news", label = "A" }, { key = "news", label = "B" }]',
            'two sections have the key "news"',
        ),
        ('[{ key = "news", label = " " }]', "each needs a label"),
        ('[{ key = "news", label = "A", examples = [""] }]', "each a title of 1 to 300 characters"),
        ("[]", "at least 1 item"),
        (f"[{', '.join(NINE)}]", "at most 8 items"),
    ],
)
def test_sections_that_could_not_be_chosen_are_refused(tmp_path: Path, sections: str, why: str) -> None:
    table = "\n[newsletters.week-in-ai]\n"
    text = GOOD.replace(table, f"{table}sections = {sections}\n")
    assert text != GOOD

    with pytest.raises(ConfigError, match="sections.*" + re.escape(why)):
        config.load(write(tmp_path, text), ENVIRON)


def test_topics_are_read_in_the_files_order(tmp_path: Path) -> None:
    text = TOPIC + 'tools = { label = "Tools", words = ["tool use"] }\n'
    text += 'agents = { label = "Agents", words = ["agent"] }'

    found = config.load(write(tmp_path, text), ENVIRON).newsletter("week-in-ai").all_topics

    assert [(one.key, one.label, one.words) for one in found] == [
        ("tools", "Tools", ("tool use",)),
        ("agents", "Agents", ("agent",)),
    ]


@pytest.mark.parametrize(
    "topics",
    [
        'Agents = { label = "Agents", words = ["agent"] }',
        '"a~b" = { label = "Agents", words = ["agent"] }',
        'agents = { label = "", words = ["agent"] }',
        'agents = { label = "Agents", words = [] }',
        'agents = { label = "Agents", words = [" "] }',
        'agents = { label = "Agents", words = ["agent"], colour = "red" }',
        "\n".join(f't{number} = {{ label = "T", words = ["t"] }}' for number in range(13)),
    ],
)
def test_topics_that_could_not_be_chosen_are_refused(tmp_path: Path, topics: str) -> None:
    with pytest.raises(ConfigError, match="topics"):
        config.load(write(tmp_path, TOPIC + topics), ENVIRON)


def test_the_list_of_zones_is_read_once_however_many_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    # It is on the disk: an import that read it for each row took 3 ms for each.
    read = []

    def names() -> set[str]:
        read.append(1)
        return {"Europe/Berlin", "UTC"}

    monkeypatch.setattr(kinds, "available_timezones", names)
    kinds.zones.cache_clear()
    found = [local_zone(name).key for name in ("Europe/Berlin", "Nowhere/At_All", "", "../etc/passwd") * 3]
    kinds.zones.cache_clear()

    assert found == ["Europe/Berlin", "UTC", "UTC", "UTC"] * 3
    assert len(read) == 1
