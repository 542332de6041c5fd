"""no article gets the number of one that was removed, and what was told of removed ones stays told"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_OF_ARTICLE = "fk_issue_item_article_id_article"
#: The highest number that an article has or ever had, as far as the issues tell. SQLite writes the path
#: with quotes in some versions.
_HIGHEST = """
    SELECT max(number) FROM (
        SELECT max(id) AS number FROM article
        UNION ALL SELECT max(article_id) FROM event_check
        UNION ALL SELECT max(told.value) FROM issue, json_tree(issue.content) AS told
            WHERE told.path LIKE '%article_ids%' AND told.type = 'integer'
        UNION ALL SELECT max(told.value) FROM edit, json_tree(edit.story) AS told
            WHERE told.path LIKE '%article_ids%' AND told.type = 'integer'
    )
"""


def upgrade() -> None:
    with op.batch_alter_table("issue_item") as table:
        table.add_column(sa.Column("canonical_url", sa.Text(), server_default="", nullable=False))
        table.drop_constraint(_OF_ARTICLE, type_="foreignkey")
    op.execute(
        "UPDATE issue_item SET canonical_url = article.canonical_url FROM article"
        " WHERE article.id = issue_item.article_id AND article.event_at IS NULL"
    )
    if op.get_bind().dialect.name == "sqlite":
        _make_article_anew(is_counted=True)
        _count_on()


def downgrade() -> None:
    op.execute("DELETE FROM issue_item WHERE article_id NOT IN (SELECT id FROM article)")
    if op.get_bind().dialect.name == "sqlite":
        _make_article_anew(is_counted=False)
    with op.batch_alter_table("issue_item") as table:
        table.drop_column("canonical_url")
        table.create_foreign_key(_OF_ARTICLE, "article", ["article_id"], ["id"], ondelete="CASCADE")


def _make_article_anew(*, is_counted: bool) -> None:
    """Copy the table; SQLite can be told only when a table is made never to give a number again."""
    # Dropping the old table takes along what refers to it.
    op.execute("CREATE TEMPORARY TABLE kept_check AS SELECT * FROM page_check")
    options = {"sqlite_autoincrement": is_counted}
    with op.batch_alter_table("article", recreate="always", table_kwargs=options):
        pass
    op.execute("DELETE FROM page_check")
    op.execute("INSERT INTO page_check SELECT * FROM kept_check")
    op.execute("DROP TABLE kept_check")


def _count_on() -> None:
    """The next article's number is above all that were given before."""
    highest = op.get_bind().scalar(sa.text(_HIGHEST)) or 0
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'article'")
    counted = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('article', :highest)")
    op.execute(counted.bindparams(highest=highest))
