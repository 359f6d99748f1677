"""The command ``cofire``: one subcommand per job, each a public function of the library.

Exit codes: 0 done, 1 some units of work failed (listed), 2 the user's mistake (one line with the
remedy), 130 interrupted (what is done is kept).
"""

from __future__ import annotations

import sys

import typer

from cofire.cli.app import app


def main() -> None:
    """Run the command line; mistakes end in one line, never in a traceback."""
    from cofire.cli.console import fail, interrupted
    from cofire.errors import CofireError

    arguments = sys.argv[1:] or ["--help"]
    try:
        sys.exit(app(arguments, standalone_mode=False, prog_name="cofire"))
    except CofireError as error:
        fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        interrupted()
    except BrokenPipeError:
        # The reader of a pipe went away, as in `cofire info ... | head`.
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        # What the option parser refuses; its class lives in typer or in click, by typer's version.
        if not hasattr(error, "format_message"):
            raise
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "cofire"
        fail(f"{error.format_message().rstrip('.')}; see `{command} --help`")


__all__ = ["app", "main"]
