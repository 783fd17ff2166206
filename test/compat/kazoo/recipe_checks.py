"""Each recipe of kazoo with several sessions at once, against one server."""

import threading
import time
from datetime import timedelta

from kazoo.exceptions import LockTimeout
from kazoo.recipe.cache import TreeCache, TreeEvent
from kazoo.recipe.lease import MultiNonBlockingLease, NonBlockingLease
from harness import PROXY, ROOT, check, close, connect, control, equal, eventually, raises

ZK = connect()
ZK.ensure_path(ROOT)


def path(name):
    return f"{ROOT}/{name}"


def together(clients, work):
    """Runs the same work in one thread for each client. Raises the exception of any of them."""
    errors = []

    def run(client):
        try:
            work(client)
        except Exception as error:  # shown by the check that waits for it
            errors.append(error)

    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]


class Gauge:
    """Counts the threads inside and keeps the maximum."""

    def __init__(self):
        self.lock = threading.Lock()
        self.inside = self.most = self.total = 0

    def __enter__(self):
        with self.lock:
            self.inside += 1
            self.total += 1
            self.most = max(self.most, self.inside)

    def __exit__(self, *_):
        with self.lock:
            self.inside -= 1


@check("Lock has one holder at a time among four sessions")
def lock():
    clients = [connect() for _ in range(4)]
    gauge = Gauge()

    def work(client):
        for _ in range(10):
            with client.Lock(path("lock"), "id"):
                with gauge:
                    time.sleep(0.001)

    together(clients, work)
    equal((gauge.total, gauge.most), (40, 1), "entered, at most at once")
    close(*clients)


@check("Lock times out, can be tried without blocking, lists contenders, and ends with its session")
def lock_options():
    first, second = connect(), connect()
    held = first.Lock(path("options"), "first")
    equal(held.acquire(), True, "acquired")
    wanted = second.Lock(path("options"), "second")
    equal(wanted.acquire(blocking=False), False, "acquired without blocking")
    raises(LockTimeout, wanted.acquire, timeout=0.3)
    waiting = threading.Thread(target=wanted.acquire)
    waiting.start()
    eventually(lambda: held.contenders() == ["first", "second"], "contenders")
    close(first)
    waiting.join(15)
    equal(wanted.is_acquired, True, "acquired after the holder's session closed")
    wanted.release()
    close(second)


@check("ReadLock shares, WriteLock excludes")
def read_write_locks():
    first, second = connect(), connect()
    shared, also = first.ReadLock(path("rw")), second.ReadLock(path("rw"))
    equal((shared.acquire(), also.acquire(timeout=10)), (True, True), "two readers")
    writer = second.WriteLock(path("rw"))
    raises(LockTimeout, writer.acquire, timeout=0.3)
    shared.release()
    also.release()
    equal(writer.acquire(timeout=10), True, "writer alone")
    raises(LockTimeout, first.ReadLock(path("rw")).acquire, timeout=0.3)
    writer.release()
    close(first, second)


@check("Semaphore has no more holders than leases")
def semaphore():
    clients = [connect() for _ in range(4)]
    gauge = Gauge()

    def work(client):
        for _ in range(5):
            with client.Semaphore(path("semaphore"), max_leases=2):
                with gauge:
                    time.sleep(0.005)

    together(clients, work)
    equal((gauge.total, gauge.most <= 2), (20, True), "entered, at most two at once")
    close(*clients)


@check("Election makes each candidate lead, one at a time")
def election():
    clients = [connect() for _ in range(3)]
    gauge = Gauge()

    def lead():
        with gauge:
            time.sleep(0.02)

    together(clients, lambda client: client.Election(path("election"), "candidate").run(lead))
    equal((gauge.total, gauge.most), (3, 1), "led, at most at once")
    close(*clients)


@check("Party and ShallowParty list their members")
def parties():
    for kind in ("Party", "ShallowParty"):
        first, second = connect(), connect()
        ours, theirs = getattr(first, kind)(path(kind), "one"), getattr(second, kind)(path(kind), "two")
        ours.join()
        theirs.join()
        equal((sorted(ours), len(theirs)), (["one", "two"], 2), kind)
        close(first)
        eventually(lambda theirs=theirs: list(theirs) == ["two"], f"{kind} without the one that left")
        close(second)


@check("Barrier holds and DoubleBarrier lets three enter and leave together")
def barriers():
    barrier = ZK.Barrier(path("barrier"))
    barrier.create()
    equal(ZK.Barrier(path("barrier")).wait(0.3), False, "passed while set")
    threading.Timer(0.2, barrier.remove).start()
    equal(ZK.Barrier(path("barrier")).wait(10), True, "passed after the removal")
    clients = [connect() for _ in range(3)]
    arrived, early = [], []

    def work(client):
        double = client.DoubleBarrier(path("double"), 3)
        arrived.append(1)
        double.enter()
        if len(arrived) != 3:
            early.append(client)
        double.leave()

    together(clients, work)
    equal(early, [], "entered too early")
    close(*clients)


@check("Counter loses no change of three sessions, and keeps kinds and defaults")
def counter():
    clients = [connect() for _ in range(3)]

    def work(client):
        shared = client.Counter(path("counter"))
        for _ in range(10):
            shared += 3
            shared -= 1

    together(clients, work)
    equal(ZK.Counter(path("counter")).value, 60, "value")
    fraction = ZK.Counter(path("fraction"), default=0.5)
    fraction += 1.25
    equal((fraction.value, fraction.pre_value), (1.75, 0.5), "fraction")
    close(*clients)


@check("Queue keeps priorities and delivers each item once")
def queue():
    items = ZK.Queue(path("queue"))
    items.put(b"low", priority=200)
    items.put(b"high", priority=10)
    equal((len(items), items.get(), items.get(), items.get()), (2, b"high", b"low", None), "items")
    for index in range(30):
        items.put(str(index).encode())
    clients = [connect() for _ in range(3)]
    taken = []

    def work(client):
        mine = client.Queue(path("queue"))
        while (item := mine.get()) is not None:
            taken.append(item)

    together(clients, work)
    equal((len(taken), len(set(taken))), (30, 30), "taken, and different ones")
    close(*clients)


@check("LockingQueue delivers an item again if the session of its holder closes before the item is consumed")
def locking_queue():
    first, second = connect(), connect()
    holder = first.LockingQueue(path("locking"))
    holder.put_all([b"a", b"b"])
    equal((holder.get(10), holder.holds_lock()), (b"a", True), "held")
    other = second.LockingQueue(path("locking"))
    equal((other.get(10), other.consume()), (b"b", True), "the one that is free")
    close(first)
    equal((other.get(15), other.consume(), len(other)), (b"a", True, 0), "delivered again")
    close(second)


@check("SetPartitioner divides a set among its members, and again when one leaves")
def partitioner():
    clients = [connect() for _ in range(2)]
    options = {"set": ("a", "b", "c", "d"), "time_boundary": 0.3, "max_reaction_time": 0.1}
    first, second = (client.SetPartitioner(path("partitioner"), identifier=str(index), **options) for index, client in enumerate(clients))

    def acquired(*members):
        for member in members:
            if member.release:
                member.release_set()
            elif member.allocating:
                member.wait_for_acquire(1)
        return all(member.acquired for member in members)

    eventually(lambda: acquired(first, second) and sorted([*first, *second]) == ["a", "b", "c", "d"], "both have their parts")
    equal((len(list(first)), len(list(second))), (2, 2), "parts")
    second.finish()
    eventually(lambda: acquired(first) and sorted(first) == ["a", "b", "c", "d"], "the one left has all")
    first.finish()
    close(*clients)


@check("DataWatch and ChildrenWatch follow until they are stopped, also across a lost connection")
def watchers():
    client = connect(PROXY)
    seen, names = [], []
    ZK.create(path("watchers"), b"0")

    @client.DataWatch(path("watchers"))
    def on_data(data, stat, event):
        seen.append(None if data is None else data.decode())
        return seen[-1] != "stop"

    @client.ChildrenWatch(path("watchers"))
    def on_children(children):
        names.append(sorted(children))

    ZK.set(path("watchers"), b"1")
    eventually(lambda: seen == ["0", "1"], "first change")
    control("cut")
    ZK.set(path("watchers"), b"2")
    ZK.create(path("watchers/a"))
    eventually(lambda: seen[-1] == "2" and names[-1] == ["a"], "the changes after the loss")
    ZK.set(path("watchers"), b"stop")
    eventually(lambda: seen[-1] == "stop", "the last change")
    ZK.set(path("watchers"), b"unheard")
    ZK.delete(path("watchers/a"))
    eventually(lambda: names[-1] == [], "children go on")
    equal(seen[-1], "stop", "data after the end")
    close(client)


@check("PatientChildrenWatch waits until the children settle")
def patient():
    from kazoo.recipe.watchers import PatientChildrenWatch

    ZK.create(path("patient"))
    result = PatientChildrenWatch(ZK, path("patient"), time_boundary=0.5).start()
    ZK.create(path("patient/a"))
    ZK.create(path("patient/b"))
    children, changed = result.get(timeout=10)
    equal(sorted(children), ["a", "b"], "children")
    ZK.create(path("patient/c"))
    changed.get(timeout=10)


@check("TreeCache follows a subtree, also across a lost connection")
def tree_cache():
    client = connect(PROXY)
    events = []
    ZK.ensure_path(path("tree/a"))
    cache = TreeCache(client, path("tree"))
    cache.listen(lambda event: events.append(event.event_type))
    cache.start()
    eventually(lambda: TreeEvent.INITIALIZED in events, "initialized")
    ZK.create(path("tree/a/b"), b"1")
    eventually(lambda: cache.get_data(path("tree/a/b"), None) is not None, "created")
    control("cut")
    ZK.set(path("tree/a/b"), b"2")
    ZK.create(path("tree/late"), b"3")
    eventually(lambda: cache.get_data(path("tree/a/b")).data == b"2", "changed")
    eventually(lambda: cache.get_data(path("tree/late"), None) is not None, "created after the loss")
    ZK.delete(path("tree/a"), recursive=True)
    eventually(lambda: cache.get_data(path("tree/a"), None) is None, "deleted")
    cache.close()
    close(client)


@check("NonBlockingLease and MultiNonBlockingLease are taken as often as they may")
def leases():
    span = timedelta(seconds=30)
    equal(bool(NonBlockingLease(ZK, path("lease"), span, identifier="a")), True, "first")
    equal(bool(NonBlockingLease(ZK, path("lease"), span, identifier="b")), False, "second")
    taken = [bool(MultiNonBlockingLease(ZK, 2, path("leases"), span, identifier=name)) for name in "abc"]
    equal(taken, [True, True, False], "two of three")
