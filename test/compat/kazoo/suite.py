"""The kazoo client against one server (`single`) or three (`ensemble`)."""

import sys

if sys.argv[1] == "single":
    import single_checks  # noqa: F401
else:
    import ensemble_checks  # noqa: F401

from harness import run_checks

run_checks()
