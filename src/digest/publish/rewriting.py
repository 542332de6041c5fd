"""Ask the operator's model for summaries, within the issue's budget; without one nothing changes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from digest import rewrite
from digest.compose import Plan, compose, materials
from digest.domain import Article, Material, Suggestion
from digest.errors import ConfigError, ModelError
from digest.house import House
from digest.store import suggestions

#: After so many failures one after another the rest is not asked about.
PATIENCE = 2
_SUSPECT = "a source speaks to machines, so no model was asked"


async def with_suggestions(
    house: House, articles: Sequence[Article], plan: Plan, *, period: str, now: datetime
) -> Plan:
    """The plan with what a model wrote of the stories that it would tell; composing holds that to the gate.

    Asks about what it never asked about, and keeps each answer as it comes; twice is asked once.
    """
    settings = house.settings.summaries
    if not settings.is_on:
        return plan
    every = {
        one.key: one for one in materials(compose(articles, plan, now=now), articles, plan.locked).values()
    }
    found = {one.key: _nothing(house, one, _SUSPECT) for one in every.values() if one.is_suspect}
    asked = [key for key in every if key not in found]
    async with house.store.read() as session:
        found |= await suggestions.known(session, asked, model=settings.model, prompt=rewrite.VERSION)
        calls, characters = await suggestions.spent(session, plan.newsletter, period)
    budget = rewrite.Budget(calls=settings.max_calls - calls, characters=settings.max_characters - characters)
    rest = [every[key] for key in asked if key not in found]
    if rest:
        found |= await _ask_all(house, rest, budget, newsletter=plan.newsletter, period=period, now=now)
    return replace(plan, suggestions=tuple(found[key] for key in sorted(found)))


async def _ask_all(
    house: House,
    rest: list[Material],
    budget: "rewrite.Budget",
    *,
    newsletter: str,
    period: str,
    now: datetime,
) -> dict[str, Suggestion]:
    """What came of each; a server that keeps failing is left alone, and so is one whose budget is spent."""
    found: dict[str, Suggestion] = {}
    failures, stop = 0, ""
    try:
        async with rewrite.open_model(house.settings.summaries) as model:
            for material in rest:
                if stop or not budget.allows(material):
                    why = stop or "the budget of this issue is spent"
                    found[material.key] = _nothing(house, material, why)
                    continue
                calls, characters = budget.calls, budget.characters
                one, is_permanent = await _ask(house, model, material, budget)
                found[material.key] = one
                async with house.store.begin() as session:
                    await suggestions.add(
                        session,
                        one,
                        newsletter=newsletter,
                        period=period,
                        prompt=rewrite.VERSION,
                        calls=calls - budget.calls,
                        characters=characters - budget.characters,
                        now=now,
                    )
                failures = failures + 1 if one.problem else 0
                if is_permanent or failures >= PATIENCE:
                    stop = f"not asked any more after: {one.problem}"
    except ConfigError as exc:
        found |= {one.key: _nothing(house, one, exc.what) for one in rest if one.key not in found}
    problems = sum(bool(one.problem) for one in found.values())
    house.log.event("summaries.asked", newsletter=newsletter, stories=len(found), failed=problems)
    return found


async def _ask(
    house: House, model: "rewrite.Model", material: Material, budget: "rewrite.Budget"
) -> tuple[Suggestion, bool]:
    """What the model wrote, or why it wrote nothing and whether it is of no use to ask on."""
    try:
        summary, why = await model.ask(material, budget)
    except ModelError as exc:
        return _nothing(house, material, exc.what), exc.is_permanent
    return Suggestion(key=material.key, model=house.settings.summaries.model, summary=summary, why=why), False


def _nothing(house: House, material: Material, why: str) -> Suggestion:
    return Suggestion(key=material.key, model=house.settings.summaries.model, problem=why)
