"""A lock with the stock client kazoo, and writes that only the holder can make.

    pip install kazoo
    python examples/kazoo_lock.py [host:port,...]

Every recipe of kazoo works with zkts unchanged. If you copy this, keep this precaution: a holder that is disconnected or
suspended does not notice that its session expires and that the next contender gets the lock. So each protected write
checks, in one transaction with the write, that the znode of this hold still exists. The expected version makes it safe
to repeat the write after a lost reply.
"""

import sys
import threading
import uuid

from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, ConnectionLoss, NoNodeError, SessionExpiredError
from kazoo.retry import KazooRetry


class LockLost(Exception):
    """The znode of this hold no longer exists."""


def write_while_held(zk, lock, path, value, version):
    """Returns when the write is done. Raises LockLost if the lock is no longer held."""
    while True:
        transaction = zk.transaction()
        # -1 accepts any version: the check is only that the znode exists.
        transaction.check(f"{lock.path}/{lock.node}", -1)
        transaction.set_data(path, value, version)
        try:
            held, written = transaction.commit()
        except ConnectionLoss:
            continue  # the write may have taken effect; then the next attempt is refused because of the version
        except SessionExpiredError as error:
            raise LockLost() from error
        if isinstance(held, NoNodeError):
            raise LockLost() from held
        # Only holders write here, so another version means that the first attempt happened.
        if isinstance(written, Exception) and not isinstance(written, BadVersionError):
            raise written
        return


def contend(hosts, folder, holds):
    retry = KazooRetry(max_tries=-1)
    zk = KazooClient(hosts=hosts, connection_retry=retry, command_retry=retry)
    zk.start()
    try:
        for _ in range(holds):
            lock = zk.Lock(f"{folder}/queue")
            with lock:
                value, stat = zk.retry(zk.get, f"{folder}/counter")
                write_while_held(zk, lock, f"{folder}/counter", b"%d" % (int(value) + 1), stat.version)
    finally:
        zk.stop()
        zk.close()


def main(hosts):
    folder = f"/examples/kazoo-{uuid.uuid4()}"
    zk = KazooClient(hosts=hosts)
    zk.start()
    zk.create(f"{folder}/counter", b"0", makepath=True)
    contenders = [threading.Thread(target=contend, args=(hosts, folder, 5)) for _ in range(3)]
    for thread in contenders:
        thread.start()
    for thread in contenders:
        thread.join()
    value, _ = zk.get(f"{folder}/counter")
    print(f"the counter is {value.decode()}")
    zk.stop()
    zk.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:2181")
