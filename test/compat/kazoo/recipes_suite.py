"""The recipes of kazoo against one server (`single`) or three (`ensemble`)."""

import sys

if sys.argv[1] == "single":
    import client_checks  # noqa: F401
    import recipe_checks  # noqa: F401
else:
    import recipe_failover_checks  # noqa: F401

from harness import run_checks

run_checks()
