"""Colours: every pair that stands together can be read, in light, in dark and inverted."""

from itertools import product

import pytest

from digest.render import open_templates

MODULE = open_templates().environment.get_template("_base/tokens.txt").module
LIGHT: dict[str, str] = MODULE.light  # type: ignore[attr-defined] # names that the template sets
DARK: dict[str, str] = MODULE.dark  # type: ignore[attr-defined] # names that the template sets
INKS = ("headline", "text", "muted", "news", "learnings", "events")
GROUNDS = ("page", "foot", "tile")


def luminance(channels: tuple[int, ...]) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [value / 255 for value in channels]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def channels(colour: str, *, is_inverted: bool = False) -> tuple[int, ...]:
    values = tuple(bytes.fromhex(colour.removeprefix("#")))
    return tuple(255 - value for value in values) if is_inverted else values


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("is_inverted", [False, True])
@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_ink_can_be_read_on_every_ground(palette: dict[str, str], is_inverted: bool) -> None:
    ratios = {
        pair: contrast(*(channels(palette[name], is_inverted=is_inverted) for name in pair))
        for pair in product(INKS, GROUNDS)
    }

    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}


def test_the_measure_knows_black_on_white() -> None:
    assert contrast(channels("#000000"), channels("#ffffff")) == pytest.approx(21)
