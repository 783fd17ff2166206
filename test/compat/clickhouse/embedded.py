"""ClickHouse inside this process, run for embedded-clickhouse.ts: one query per line of JSON in, one answer per line out.

The module below the Python package is used directly: the package's own interface wants pandas and pyarrow, which
are larger than ClickHouse's data files will ever be here.
"""

import json
import os
import sys

answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)  # ClickHouse prints to it, and standard output is only for answers

from chdb import _chdb  # noqa: E402

connection = _chdb.connect(sys.argv[1])
for line in sys.stdin:
    try:
        answer = {"text": connection.query(json.loads(line), "TabSeparated").bytes().decode()}
    except Exception as error:
        answer = {"error": str(error)}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
os._exit(0)  # a normal exit would wait for threads that sleep for seconds
