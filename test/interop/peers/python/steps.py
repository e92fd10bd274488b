"""What the Python clients share: one JSON line on stdout for each step, whatever becomes of it."""

import json
import sys
import traceback
from collections.abc import Awaitable, Callable

import anyio

NOTE = "note://pinned"
LIMIT = 8  # seconds a step may take
PROMPT = "Think of a number"


def say(step: str, **fields) -> None:
    print(json.dumps({"step": step, **fields}), flush=True)


def say_failure(step: str, error: BaseException) -> None:
    """An error of the protocol with its code; anything else with its text."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    fault = getattr(error, "error", None)
    if fault is not None and hasattr(fault, "code"):
        say(step, error={"code": fault.code, "message": fault.message})
        return
    traceback.print_exception(error, file=sys.stderr)
    say(step, failed=f"{type(error).__name__}: {error}")


async def run_step(step: str, work: Callable[[], Awaitable[dict]]) -> None:
    try:
        with anyio.fail_after(LIMIT):
            fields = await work()
    except Exception as error:
        say_failure(step, error)
    else:
        say(step, **fields)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Asks again and again; the limit of the step ends it."""
    while not await holds():
        await anyio.sleep(0.02)


class Reports:
    """Progress as it comes, and whether any came after the result."""

    def __init__(self) -> None:
        self.seen: list[list] = []
        self.late = 0
        self.first = anyio.Event()
        self.over = False

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        if self.over:
            self.late += 1
        self.seen.append([progress, total, message])
        self.first.set()


class Updates:
    """URIs of resources that were said to have changed."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.first = anyio.Event()

    def add(self, uri: object) -> None:
        self.seen.append(str(uri))
        self.first.set()
