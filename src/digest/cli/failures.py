"""How a command ends: every exception becomes an exit code and one clear line."""

import platform
import re
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

import typer

from digest import __version__
from digest.cli.later import Group, calm
from digest.cli.terminal import Terminal, of
from digest.errors import DigestError, UsageError

#: The exit codes beside those of `digest.errors`: partly done, and Ctrl-C.
PARTLY, INTERRUPTED = 4, 130


class Root(Group):
    """The command `digest`: runs a sub-command and turns what it raises into a line and an exit code."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        calm(self)

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run and exit. Wrong use ends like every other error of ours."""
        extra["standalone_mode"] = False
        try:
            code = super().main(*args, **extra)
        except typer.TyperException as exc:
            code = _wrong_use(exc)
        except typer.Abort:
            Terminal.open().warn("stopped", "nothing more was done")
            code = INTERRUPTED
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        """Run the sub-command."""
        try:
            return super().invoke(ctx)
        except (typer.TyperException, typer.Abort, typer.Exit, BrokenPipeError):
            raise
        except DigestError as exc:
            raise typer.Exit(_known(of(ctx), exc)) from exc
        except (KeyboardInterrupt, EOFError) as exc:
            of(ctx).warn("stopped", "what was done is kept; run it again to go on")
            raise typer.Exit(INTERRUPTED) from exc
        except Exception as exc:
            raise typer.Exit(_unknown(of(ctx), exc, ctx.invoked_subcommand or "")) from exc


def _wrong_use(exc: typer.TyperException) -> int:
    """2, after the line; a bare group shows its help instead."""
    ctx = getattr(exc, "ctx", None)
    path = ctx.command_path if ctx else "digest"
    words = exc.format_message().replace("Value error, ", "")
    if type(exc).__name__ == "NoArgsIsHelpError":
        return 2  # Rich has printed the help while the message was made.
    Terminal.open().error(UsageError(words.splitlines()[0] if words else "", hint=f"{path} --help"))
    return 2


def _known(terminal: Terminal, exc: DigestError) -> int:
    if terminal.debug:
        terminal.err.print(traceback.format_exc(), soft_wrap=True)
    terminal.error(exc)
    return exc.exit_code


def _unknown(terminal: Terminal, exc: Exception, command: str) -> int:
    """1, after one line that names a report which can be passed on without giving anybody away."""
    if terminal.debug:
        terminal.err.print(traceback.format_exc(), soft_wrap=True)
    file = _report(exc, command)
    hint = f"a report without addresses and secrets: {file}" if file else "--debug shows where"
    terminal.error(DigestError(f"this is a fault of digest itself ({type(exc).__name__})", hint=hint))
    return 1


def _report(exc: Exception, command: str) -> Path | None:
    """A file that only its owner may read, in the temporary folder; None when it cannot be written."""
    head = f"digest {__version__}, python {platform.python_version()}, {platform.platform()}, {command}\n\n"
    trace = traceback.TracebackException.from_exception(exc)
    lines = [head, *_chain(trace)]
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="digest-report-", suffix=".txt", delete=False
        ) as file:
            file.writelines(lines)
    except OSError:
        return None
    return Path(file.name)


def _chain(trace: traceback.TracebackException) -> list[str]:
    """Where it happened, and the first line of each message with all that could be somebody's blotted out."""
    before = trace.__cause__ or trace.__context__
    lines = _chain(before) if before else []
    for frame in trace.stack:
        lines.append(f"  {frame.filename}:{frame.lineno} in {frame.name}\n")
    name = trace.exc_type.__name__ if trace.exc_type else "?"
    message = next(iter(str(trace).splitlines()), "")
    return [*lines, f"{name}: {_blot(message)}\n\n"]


def _blot(text: str) -> str:
    """The text without addresses, links, quoted values and long words that may be tokens."""
    for pattern in (r"\S+@\S+", r"\w+://\S+", r"'[^']*'", r'"[^"]*"', r"[\w.+/=-]{24,}"):
        text = re.sub(pattern, "…", text)
    return text[:200]
