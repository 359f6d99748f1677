"""The command ``cofire``: one subcommand per job, each a public function of the library.

Exit codes: 0 done, 1 some units of work failed (listed), 2 the user's mistake (one line with the
remedy), 130 interrupted (what is done is kept).
"""

from __future__ import annotations

import sys

from cofire.cli.app import app


def main() -> None:
    """Run the command line; mistakes end in one line, never in a traceback."""
    from cofire.cli.console import fail, interrupted
    from cofire.errors import CofireError

    try:
        app(standalone_mode=True, prog_name="cofire")
    except CofireError as error:
        fail(str(error))
    except KeyboardInterrupt:
        interrupted()
    except BrokenPipeError:
        # The reader of a pipe went away, as in `cofire info ... | head`.
        sys.stderr.close()
        sys.exit(0)


__all__ = ["app", "main"]
