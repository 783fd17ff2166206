"""Checks of three servers that are killed and started again one by one."""

import os
import subprocess
import sys
import threading
import time

from kazoo.client import KazooState
from kazoo.exceptions import ConnectionLoss, NodeExistsError, OperationTimeoutError, SessionExpiredError
from kazoo.retry import KazooRetry
from harness import PROXY, ROOT, SERVERS, check, close, connect, control, equal, eventually

HOSTS = SERVERS.split(",")
WRITES = 1000  # so many that most are under way when the leader is dead
RETRY = KazooRetry(max_tries=-1, deadline=30, ignore_expire=False)


@check("what is written on one server is read on each other server after sync")
def read_elsewhere():
    clients = [connect(host) for host in HOSTS]
    clients[0].ensure_path(ROOT)
    for round_number in range(30):
        writer = clients[round_number % 3]
        value = str(round_number).encode()
        path = f"{ROOT}/round-{round_number}"
        writer.create(path, value)
        stats = []
        for client in clients:
            client.sync(path)
            data, stat = client.get(path)
            equal(data, value, "value")
            stats.append(stat)
        equal(stats, [stats[0]] * 3, "Stats")
    close(*clients)


@check("a session cut off from its server moves to another with its ephemerals, and the first client loses it when the second closes it")
def move():
    first = connect(PROXY)
    states = []
    first.add_listener(states.append)
    path = f"{ROOT}/moving"
    first.create(path, ephemeral=True)
    session = first.client_id  # kazoo sets it to None while it is not connected
    control("block")
    second = connect(HOSTS[1], client_id=session)
    equal(second.client_id, session, "session")
    equal(second.exists(path).ephemeralOwner, session[0], "owner")
    second.set(path, b"still here")
    close(second)
    control("unblock")
    eventually(lambda: KazooState.LOST in states, "lost")
    eventually(lambda: first.connected, "a new session")
    first.sync(path)
    equal(first.exists(path), None, "ephemeral")
    close(first)


@check("an ephemeral is deleted on every server when its session closes, and watchers on every server get the event")
def ephemeral_everywhere():
    owner = connect(HOSTS[0])
    others = [connect(host) for host in HOSTS]
    path = f"{ROOT}/ephemeral"
    owner.create(path, ephemeral=True)
    events = []
    for client in others:
        client.sync(path)
        client.exists(path, watch=lambda event: events.append(event.type))
    close(owner)
    for client in others:
        client.sync(path)
        equal(client.exists(path), None, "exists")
    eventually(lambda: len(events) == 3, "events")
    close(*others)


@check("three processes never hold one lock at once while holders die by kill -9")
def lock_under_kills():
    holder_file = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"zkts-lock-{os.getpid()}")
    worker = os.path.join(os.path.dirname(__file__), "lock_worker.py")
    start = lambda: subprocess.Popen([sys.executable, worker, SERVERS, f"{ROOT}/lock", holder_file], stdout=subprocess.PIPE, text=True)
    workers = {process.pid: process for process in (start() for _ in range(3))}
    readers = [follow(process) for process in workers.values()]
    killed = 0
    try:
        while killed < 4:
            holder = wait_for_holder(holder_file)
            victim = workers.pop(holder, None)
            if victim is None:
                raise AssertionError(f"the holder {holder} is no worker")
            victim.kill()
            victim.wait()
            remove_if_held_by(holder_file, holder)
            killed += 1
            replacement = start()
            workers[replacement.pid] = replacement
            readers.append(follow(replacement))
    finally:
        for process in workers.values():
            process.kill()
            process.wait()
        if os.path.exists(holder_file):
            os.remove(holder_file)
    violations = [line for reader in readers for line in reader if "VIOLATION" in line]
    equal(violations, [], "violations")


def follow(process):
    lines = []
    threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True).start()
    return lines


def wait_for_holder(holder_file):
    found = []

    def look():
        try:
            with open(holder_file) as file:
                text = file.read()
        except FileNotFoundError:
            return False
        if text.endswith("\n"):
            found.append(int(text))
        return bool(found)

    eventually(look, "some worker holds the lock", timeout=40)
    return found[0]


def remove_if_held_by(holder_file, pid):
    """The dead holder cannot remove its file. The next holder must wait until the dead session expires."""
    with open(holder_file) as file:
        if int(file.read()) == pid:
            os.remove(holder_file)


@check("a client goes on when its server, each in turn and the leader too, dies by kill -9 and returns")
def kill_each():
    control("wait")
    client = connect(timeout=10.0)
    session = client.client_id
    client.create(f"{ROOT}/keeper", ephemeral=True)
    leader = int(control("leader"))
    for victim in [leader, *(each for each in (1, 2, 3) if each != leader)]:
        path = f"{ROOT}/killed-{victim}"
        client.create(path + "-before", b"1")
        control(f"kill/{victim}")
        write_through(client, path + "-during", b"2")
        equal(RETRY(client.get, path + "-before")[0], b"1", "value from before")
        control(f"start/{victim}")
        fresh = connect(HOSTS[victim - 1])
        fresh.sync(ROOT)
        equal([fresh.get(path + "-before")[0], fresh.get(path + "-during")[0]], [b"1", b"2"], "values on the returned server")
        close(fresh)
    equal(RETRY(client.exists, f"{ROOT}/keeper").ephemeralOwner, session[0], "owner of the ephemeral")
    eventually(lambda: client.client_id is not None, "connected")
    equal(client.client_id, session, "session")
    close(client)


def write_through(client, path, value):
    deadline = time.monotonic() + 30
    while True:
        try:
            client.create(path, value)
            return
        except NodeExistsError:
            return  # an earlier attempt took effect
        except (ConnectionLoss, OperationTimeoutError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        except SessionExpiredError:
            raise AssertionError("the session expired though its timeout is 10 s")


@check("clients of the servers that survive notice nothing when the leader dies by kill -9 with many writes of each under way")
def survivors_notice_nothing():
    if os.environ["ZK_TARGET"] == "zookeeper":
        return  # it closes the connections of all clients
    control("wait")
    for round_number in range(5):
        leader = int(control("leader"))
        survivors = [Survivor(HOSTS[each - 1], f"{ROOT}/survivor-{round_number}-{each}") for each in (1, 2, 3) if each != leader]
        for survivor in survivors:
            survivor.begin()
        control(f"kill/{leader}")
        for survivor in survivors:
            survivor.finish()
        control(f"start/{leader}")
        control("wait")


class Survivor:
    """A client of one server, with a lock, a watch and many writes under way."""

    def __init__(self, host, path):
        self.client = connect(host)
        self.path = path
        self.states = []
        self.events = []
        self.client.create(path)
        self.client.create(path + "-watched")
        self.client.get(path + "-watched", watch=self.events.append)
        self.lock = self.client.Lock(path + "-lock")
        self.lock.acquire()
        self.client.add_listener(self.states.append)

    def begin(self):
        self.results = [self.client.set_async(self.path, str(i).encode()) for i in range(WRITES)]

    def finish(self):
        versions = [result.get(timeout=20).version for result in self.results]
        equal(versions, list(range(1, WRITES + 1)), "versions of the writes")
        data, stat = self.client.get(self.path)
        equal((data, stat.version), (str(WRITES - 1).encode(), WRITES), "value and version")
        equal(self.events, [], "events before the change")
        self.client.set(self.path + "-watched", b"changed")
        eventually(lambda: len(self.events) == 1, "event of the watch")
        equal(self.lock.is_acquired, True, "lock is held")
        equal(len(self.lock.contenders()), 1, "contenders of the lock")
        self.lock.release()
        equal(self.states, [], "states of the connection")
        close(self.client)
