"""A real Chromium without a window, driven over the DevTools protocol through a pipe; needs no package.

It is the distribution's ``chromium``, or what the variable ``CHROMIUM`` names.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60.0  # seconds for any one answer, on a busy machine
KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9, "Enter": 13, " ": 32}


def chromium() -> str | None:
    """Where Chromium is; None where there is none."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


class BrowserError(Exception):
    """Chromium did not start, did not answer, or refused."""


class Browser:
    """One Chromium process. Use :func:`browser`, which ends it."""

    def __init__(self, program: str, profile: str) -> None:
        here, its = os.pipe(), os.pipe()  # commands to it, answers from it
        # it reads from 3 and writes to 4
        start = f'exec "$0" "$@" 3<&{here[0]} 4>&{its[1]}'
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                 "--no-first-run", "--disable-background-networking", "--disable-component-update",
                 "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]  # fmt: skip
        self._process = subprocess.Popen(
            ["bash", "-c", start, program, *flags], pass_fds=(here[0], its[1]), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(here[0])
        os.close(its[1])
        self._to, self._from, self._read, self._number = here[1], its[0], b"", 0
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """End it."""
        try:
            self.call("Browser.close")
            self._process.wait(10)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        os.close(self._from)

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Ask, and wait for the answer; what happens meanwhile is kept in :attr:`events`."""
        self._number += 1
        asked = {
            "id": self._number,
            "method": method,
            "params": parameters,
            **({"sessionId": session} if session else {}),
        }
        left = json.dumps(asked).encode() + b"\0"
        while left:
            left = left[os.write(self._to, left) :]
        ends = time.monotonic() + PATIENCE
        while True:
            message = self._message(ends)
            if message.get("id") == self._number:
                if "error" in message:
                    raise BrowserError(f"{method}: {message['error']}")
                return dict(message["result"])
            self.events.append(message)

    def _message(self, ends: float) -> dict[str, Any]:
        while b"\0" not in self._read:
            if not select.select([self._from], [], [], max(0.0, ends - time.monotonic()))[0]:
                raise BrowserError(f"Chromium did not answer within {PATIENCE:.0f} s.")
            part = os.read(self._from, 1 << 20)
            if not part:
                raise BrowserError("Chromium ended.")
            self._read += part
        text, _, self._read = self._read.partition(b"\0")
        return dict(json.loads(text))

    def page(self) -> Page:
        """A new page."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, target)
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        return page


class Page:
    """One page: what it shows, what it asks for, what it complains of."""

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser, self._session, self._target = browser, session, target

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the page."""
        return self._browser.call(method, self._session, **parameters)

    def close(self) -> None:
        """Close it."""
        self._browser.call("Target.closeTarget", targetId=self._target)

    def events(self, method: str) -> list[dict[str, Any]]:
        """What was told under a name, so far."""
        own = [event for event in self._browser.events if event.get("sessionId") == self._session]
        return [event["params"] for event in own if event["method"] == method]

    def look(self, *, width: int = 1280, height: int = 900, scheme: str = "light", script: bool = True,
             motion: bool = True, scale: float = 1) -> None:  # fmt: skip
        """Size, colour scheme, script and motion of the screen, before :meth:`open`."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale,
            mobile=width < 600,
        )  # fmt: skip
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "no-preference" if motion else "reduce"},
        ]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.call("Emulation.setScriptExecutionDisabled", value=not script)

    def open(self, path: Path) -> None:
        """Open a file and wait until it is loaded."""
        before = len(self.events("Page.loadEventFired"))
        self.call("Page.navigate", url=Path(path).resolve().as_uri())
        ends = time.monotonic() + PATIENCE
        while len(self.events("Page.loadEventFired")) == before:
            self._browser.call("Browser.getVersion")  # whose answer brings the events
            if time.monotonic() > ends:
                raise BrowserError(f"{path} was not loaded within {PATIENCE:.0f} s.")
            time.sleep(0.02)

    def run(self, expression: str) -> Any:
        """The value of an expression of JavaScript, which works where the page's own script is switched off as well."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise BrowserError(f"{expression}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key, as a user does."""
        text = {"Enter": "\r", " ": " "}.get(key)
        common = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def mouse(self, selector: str, *, click: bool = True) -> None:
        """Move the mouse to the first element of a selector, and click."""
        one = f"document.querySelector({json.dumps(selector)})"
        self.run(f"{one}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        x, y = self.run(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({one}.getBoundingClientRect())"
        )
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        if click:
            for what in ("mousePressed", "mouseReleased"):
                self.call("Input.dispatchMouseEvent", type=what, x=x, y=y, button="left", clickCount=1)

    def shot(self, path: Path, selector: str | None = None, *, whole: bool = False) -> None:
        """Write a screenshot as PNG: of the screen, of the whole page, or of one element."""
        more: dict[str, Any] = {}
        if selector:
            one = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
            x, y, width, height = self.run(f"(r => [r.x + scrollX, r.y + scrollY, r.width, r.height])({one})")
            more = {"clip": {"x": x, "y": y, "width": width, "height": height, "scale": 1}}
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole or bool(selector), **more)
        Path(path).write_bytes(base64.b64decode(found["data"]))

    def pdf(self, path: Path) -> None:
        """Print into a PDF."""
        Path(path).write_bytes(base64.b64decode(self.call("Page.printToPDF")["data"]))


@contextmanager
def browser(program: str) -> Iterator[Browser]:
    """A Chromium for as long as the block lasts.

    Raises:
        BrowserError: It does not start.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        made = Browser(program, profile)
        try:
            made.call("Browser.getVersion")
            yield made
        finally:
            made.close()
