"""Topics of a newsletter for tests, and a week that tells stories of them."""

from typing import Any

#: As settings have them.
TOPICS: dict[str, Any] = {
    "agents": {"label": "Agents", "words": ["agent", "agents"]},
    "chips": {"label": "Chips", "words": ["GPU"]},
    "law": {"label": "Law & order", "words": ["court"]},
}
AGENTS, CHIPS, PLAIN = "An agent books a ferry", "A GPU for every school", "Glaciers retreat past Ilulissat"
