"""What editors did to the stories of a draft: one edit a story, the last one counts."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import Edit, Story
from digest.store.desk_tables import EditRow
from digest.store.plain import converter
from digest.store.rows import upsert


async def keep(session: AsyncSession, issue_id: int, edit: Edit) -> None:
    """Store it in place of an earlier one of the same story. Twice is the same."""
    row = {
        "issue_id": issue_id,
        "story_key": edit.story.key,
        "story": converter(Story).dump_python(edit.story, mode="json"),
        "is_dropped": edit.is_dropped,
        "place": edit.place,
        "by": edit.by,
        "at": edit.at,
    }
    await upsert(session, EditRow, row, unique=("issue_id", "story_key"))


async def all_of(session: AsyncSession, issue_id: int) -> tuple[Edit, ...]:
    """The edits of a draft, by the stories' keys."""
    rows = await session.scalars(
        select(EditRow).where(EditRow.issue_id == issue_id).order_by(EditRow.story_key)
    )
    return tuple(
        Edit(
            story=converter(Story).validate_python(row.story),
            is_dropped=row.is_dropped,
            place=row.place,
            by=row.by,
            at=row.at,
        )
        for row in rows
    )


async def remove(session: AsyncSession, issue_id: int, key: str) -> bool:
    """True when there was an edit of that story to take back."""
    gone = await session.execute(
        delete(EditRow)
        .where(EditRow.issue_id == issue_id, EditRow.story_key == key)
        .returning(EditRow.story_key)
    )
    return gone.first() is not None
