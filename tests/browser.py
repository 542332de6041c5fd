"""A real Chromium for tests, in a thread of its own: Playwright's loop must not meet that of asyncio's tests.

`from browser import Chromium, chromium` in a test module; without a browser its tests are skipped with
a reason, or fail where REQUIRE_BROWSER=1 says that there must be one.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

T = TypeVar("T")
Scheme = Literal["light", "dark"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
#: Chromium's own sandbox wants a user that may make namespaces, which containers forbid.
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb", "--font-render-hinting=none"]


class Chromium:
    """One browser for all tests; every piece of work gets a fresh page."""

    def __init__(self, executable: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._playwright, self._browser = self._thread.submit(self._launch, executable).result()

    def run(
        self,
        work: Callable[[Page], T],
        *,
        html: str = "",
        width: int = 640,
        scheme: Scheme = "light",
        java_script: bool = True,
        blocked: str = "**/*.{png,jpg,gif,webp}",
    ) -> T:
        """What `work` gives on a page of that width, showing `html` when there is some."""
        return self._thread.submit(self._on_page, work, html, width, scheme, java_script, blocked).result()

    def close(self) -> None:
        """End the browser and its thread."""
        self._thread.submit(self._browser.close).result()
        self._thread.submit(self._playwright.stop).result()
        self._thread.shutdown()

    def _launch(self, executable: str) -> tuple[Playwright, Browser]:
        playwright = sync_playwright().start()
        return playwright, playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)

    def _on_page(
        self,
        work: Callable[[Page], T],
        html: str,
        width: int,
        scheme: Scheme,
        java_script: bool,
        blocked: str,
    ) -> T:
        context = self._browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=java_script
        )
        try:
            page = context.new_page()
            page.route(blocked, lambda route: route.abort())
            if html:
                page.set_content(html)
            return work(page)
        finally:
            context.close()


def find() -> str | None:
    """The path of a Chromium on this machine."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The one browser of this run."""
    executable = find()
    if executable is None:
        reason = "there is no chromium on this machine (apt install chromium)"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    browser = Chromium(executable)
    yield browser
    browser.close()
