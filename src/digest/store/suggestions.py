"""What models wrote, kept by what they wrote it from: nothing is asked twice, and what was spent is known."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import Suggestion
from digest.store.tables import SuggestionRow


async def known(
    session: AsyncSession, keys: Sequence[str], *, model: str, prompt: int
) -> dict[str, Suggestion]:
    """By key, what this model wrote when it was asked in these words; failures are not remembered."""
    query = select(SuggestionRow).where(
        SuggestionRow.key.in_(keys),
        SuggestionRow.model == model,
        SuggestionRow.prompt == prompt,
        SuggestionRow.problem == "",
    )
    found = {}
    for row in await session.scalars(query.order_by(SuggestionRow.id)):
        found[row.key] = Suggestion(key=row.key, model=row.model, summary=row.summary, why=row.why)
    return found


async def spent(session: AsyncSession, newsletter: str, period: str) -> tuple[int, int]:
    """How many calls and characters the issue of that period has cost so far."""
    query = select(func.sum(SuggestionRow.calls), func.sum(SuggestionRow.characters)).where(
        SuggestionRow.newsletter == newsletter, SuggestionRow.period == period
    )
    calls, characters = (await session.execute(query)).one()
    return int(calls or 0), int(characters or 0)


async def add(
    session: AsyncSession,
    suggestion: Suggestion,
    *,
    newsletter: str,
    period: str,
    prompt: int,
    calls: int,
    characters: int,
    now: datetime,
) -> None:
    """Keep an answer, or that there was none; twice is two calls."""
    row = insert(SuggestionRow).values(
        newsletter=newsletter,
        period=period,
        key=suggestion.key,
        model=suggestion.model,
        prompt=prompt,
        summary=suggestion.summary,
        why=suggestion.why,
        problem=suggestion.problem,
        calls=calls,
        characters=characters,
        at=now,
    )
    await session.execute(row)
