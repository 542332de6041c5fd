"""One endpoint that speaks the chat completions of OpenAI, with limits on time, size and spending."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from digest import __version__
from digest.config import SummariesSettings
from digest.domain import Material
from digest.errors import ConfigError, ModelError
from digest.rewrite.prompt import MAX_ANSWER, length, messages, read_answer

#: Bytes of a reply; an answer of 4,000 characters and what stands around it is far less.
MAX_BYTES = 200_000
#: So many tokens are asked for: a summary has about a hundred.
MAX_TOKENS = 600
#: A server that asks for a longer pause is not waited for.
MAX_PAUSE = 10.0


@dataclass(slots=True, kw_only=True)
class Budget:
    """What may still be spent on one issue."""

    calls: int
    characters: int

    def allows(self, material: Material) -> bool:
        """True when this material can be asked about."""
        return self.calls >= 1 and self.characters >= length(material)

    def spend(self, material: Material) -> None:
        """Count one call."""
        self.calls -= 1
        self.characters -= length(material)


class Model:
    """A model that can be asked; made by `open_model`."""

    def __init__(self, session: aiohttp.ClientSession, settings: SummariesSettings, key: str) -> None:
        self._session, self._settings, self._key = session, settings, key

    async def ask(self, material: Material, budget: Budget) -> tuple[str, str]:
        """The summary and the line "why" (or ""), as the model wrote them; ModelError when it gave none.

        A server that asks for a short pause is asked once more, when the budget allows.
        """
        body = {
            "model": self._settings.model,
            "messages": messages(material),
            "temperature": 0,
            "max_tokens": MAX_TOKENS,
        }
        budget.spend(material)
        try:
            return read_answer(_content(await self._post("/chat/completions", body)))
        except ModelError as exc:
            if exc.pause is None or exc.pause > MAX_PAUSE or not budget.allows(material):
                raise
            await asyncio.sleep(exc.pause)
        budget.spend(material)
        return read_answer(_content(await self._post("/chat/completions", body)))

    async def check(self) -> str:
        """What the endpoint says of itself, in words; ModelError when it cannot be used."""
        body = {
            "model": self._settings.model,
            "messages": [{"role": "user", "content": "Answer with the word yes."}],
            "max_tokens": 5,
        }
        _content(await self._post("/chat/completions", body))
        return f"{self._settings.model} answers"

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON of the answer."""
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        url = self._settings.url + path
        seconds = self._settings.timeout_seconds
        try:
            async with (
                asyncio.timeout(seconds),
                self._session.post(url, json=body, headers=headers, allow_redirects=False) as answer,
            ):
                return await _read(answer)
        except TimeoutError as exc:
            raise ModelError(f"no answer within {seconds:g} seconds") from exc
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            raise ModelError(f"it cannot be reached ({type(exc).__name__})") from exc


async def _read(answer: aiohttp.ClientResponse) -> Any:
    if answer.status != 200:
        pause = _pause(answer.headers) if answer.status in {429, 503} else None
        is_permanent = 300 <= answer.status < 500 and answer.status not in {408, 429}
        raise ModelError(f"it answered {answer.status}", pause=pause, is_permanent=is_permanent)
    if not answer.content_type.endswith("json"):
        raise ModelError(f"it answered with {answer.content_type[:60]} and not JSON")
    body = bytearray()
    async for chunk in answer.content.iter_chunked(16_384):
        body += chunk
        if len(body) > MAX_BYTES:
            raise ModelError(f"it sent more than {MAX_BYTES:,} bytes")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise ModelError("what it sent is not JSON") from exc


def _pause(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, given as a number or a date; None when it says nothing that can be read."""
    after = headers.get("Retry-After", "")
    if after.isascii() and after.isdigit():
        return float(after[:9])
    try:
        # By the server's own clock, which may be another than ours.
        span = parsedate_to_datetime(after) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):
        return None
    return max(span.total_seconds(), 0.0)


def _content(reply: Any) -> str:
    """The text of the first choice."""
    try:
        choice = reply["choices"][0]
        text = choice["message"]["content"]
    except (KeyError, IndexError, TypeError) as exc:
        raise ModelError("what it sent is no chat completion") from exc
    if not isinstance(text, str) or len(text) > 2 * MAX_ANSWER:
        raise ModelError("what it sent is no text, or a very long one")
    return text


@asynccontextmanager
async def open_model(settings: SummariesSettings) -> AsyncIterator[Model]:
    """The model of the settings; its address is the operator's own choice, so it may be a private one."""
    key = _key(settings)
    headers = {"User-Agent": f"digest/{__version__}"}
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(
        headers=headers, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield Model(session, settings, key)


def _key(settings: SummariesSettings) -> str:
    """The key from the settings or the first line of its file."""
    if settings.key_file is None:
        return settings.key.get_secret_value()
    try:
        lines = settings.key_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"summaries.key_file: {settings.key_file} cannot be read") from exc
    key = lines[0].strip() if lines else ""
    if not key or not key.isascii() or not key.isprintable():
        raise ConfigError(f"summaries.key_file: {settings.key_file} has no key in its first line")
    return key
