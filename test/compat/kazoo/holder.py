"""The kazoo client of the suite `leader-changes`: one session with an ephemeral, a lock, a watch and pipelines of writes.

A command on each line of the input, an answer on each line of the output (test/compat/leader-changes/suite.ts).
"""

import sys

from kazoo.client import KazooClient
from kazoo.exceptions import ConnectionLoss
from kazoo.protocol.states import KazooState
from harness import close, equal, eventually

PIPELINE = 100


class Holder:
    def __init__(self, hosts, path):
        self.path = path
        self.client = KazooClient(hosts=hosts, timeout=10.0)
        self.client.start(timeout=20)
        self.session = self.client.client_id
        self.states = []
        self.changes = []  # the versions that the watch has shown, the first one included
        self.version, self.last = 0, b""
        self.client.create(path, b"")
        self.client.create(path + "/watched", b"")
        self.client.create(path + "/held", b"", ephemeral=True)
        # kazoo forgets plain watches when it loses its connection; this recipe sets them again.
        self.client.DataWatch(path + "/watched", lambda data, stat: self.changes.append(stat.version))
        self.lock = self.client.Lock(path + "/lock")
        self.lock.acquire()
        self.client.add_listener(self.states.append)

    def pipeline(self):
        """Each write gives the znode a version of its own, so one that was lost or done twice shows in the versions."""
        todo = [str(self.version + i).encode() for i in range(1, PIPELINE + 1)]
        done, lost = {}, 0
        while todo:
            eventually(lambda: self.client.connected, "connected", timeout=30)
            results = [(data, self.client.set_async(self.path, data)) for data in todo]
            todo = []
            for data, result in results:
                try:
                    done[result.get(timeout=30).version] = data
                except ConnectionLoss:
                    lost += 1
                    todo.append(data)
        equal(sorted(done), list(range(self.version + 1, self.version + PIPELINE + 1)), "versions of the writes")
        self.version += PIPELINE
        self.last = done[self.version]
        return lost

    def inspect(self):
        shown = self.changes[-1]
        changed = self.client.set(self.path + "/watched", b"").version
        eventually(lambda: self.changes[-1] == changed, "event of the watch")
        equal((self.changes, changed), (list(range(changed + 1)), shown + 1), "versions that the watch has shown")
        data, stat = self.client.get(self.path)
        equal((data, stat.version), (self.last, self.version), "value and version")
        equal(self.client.exists(self.path + "/held").ephemeralOwner, self.session[0], "owner of the ephemeral")
        equal(self.lock.is_acquired, True, "lock is held")
        equal(len(self.lock.contenders()), 1, "contenders of the lock")
        equal(self.client.client_id, self.session, "session")
        return self.states.count(KazooState.SUSPENDED) + self.states.count(KazooState.LOST)

    def close(self):
        self.lock.release()
        close(self.client)


def main():
    holder = None
    for line in sys.stdin:
        command, *arguments = line.split()
        try:
            if command == "open":
                holder = Holder(*arguments)
                answer = 0
            else:
                answer = {"pipeline": holder.pipeline, "inspect": holder.inspect, "close": holder.close}[command]() or 0
            print(f"ok {answer}", flush=True)
        except Exception as error:
            print(f"failed: {type(error).__name__} {error}".replace("\n", " "), flush=True)


main()
