"""Every operation that kazoo has, against one server."""

import os
import subprocess
import sys

from kazoo.client import KazooState
from kazoo.exceptions import (
    BadVersionError,
    ConnectionLoss,
    InvalidACLError,
    MarshallingError,
    NoAuthError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
    RuntimeInconsistency,
)
from kazoo.protocol.states import EventType
from kazoo.security import CREATOR_ALL_ACL, OPEN_ACL_UNSAFE, Permissions, make_acl, make_digest_acl
from harness import PROXY, ROOT, SERVERS, check, close, connect, control, equal, eventually, raises

ZK = connect()
ZK.ensure_path(ROOT)


def path(name):
    return f"{ROOT}/{name}"


@check("create makes persistent, ephemeral and both sequential znodes")
def create_modes():
    ZK.create(path("modes"))
    equal(ZK.create(path("modes/p"), b"v"), path("modes/p"), "persistent")
    equal(ZK.create(path("modes/e"), ephemeral=True), path("modes/e"), "ephemeral")
    equal(ZK.create(path("modes/s-"), sequence=True), path("modes/s-0000000002"), "sequential")
    equal(ZK.create(path("modes/s-"), sequence=True, ephemeral=True), path("modes/s-0000000003"), "both")
    owners = {name: ZK.exists(path("modes/" + name)).ephemeralOwner for name in ZK.get_children(path("modes"))}
    mine = ZK.client_id[0]
    equal(owners, {"p": 0, "e": mine, "s-0000000002": 0, "s-0000000003": mine}, "owners")


@check("create2 returns the path and the Stat")
def create2():
    made, stat = ZK.create(path("create2"), b"four", include_data=True)
    equal(made, path("create2"), "path")
    equal(stat, ZK.exists(path("create2")), "Stat")
    equal((stat.version, stat.cversion, stat.aversion, stat.dataLength, stat.numChildren), (0, 0, 0, 4, 0), "fields")
    equal((stat.mzxid, stat.pzxid), (stat.czxid, stat.czxid), "zxids")


@check("create fails with NodeExists, NoNode and NoChildrenForEphemerals")
def create_errors():
    ZK.create(path("errors"), ephemeral=True)
    raises(NodeExistsError, ZK.create, path("errors"))
    raises(NoNodeError, ZK.create, path("missing/child"))
    raises(NoChildrenForEphemeralsError, ZK.create, path("errors/child"))


@check("makepath creates the missing parents")
def makepath():
    ZK.create(path("deep/er/est"), b"x", makepath=True)
    equal(ZK.get(path("deep/er/est"))[0], b"x", "data")


@check("set and get carry data and versions")
def set_get():
    ZK.create(path("data"), b"one")
    stat = ZK.set(path("data"), b"second", version=0)
    equal((stat.version, stat.dataLength), (1, 6), "Stat of set")
    equal(ZK.get(path("data")), (b"second", stat), "get")
    raises(BadVersionError, ZK.set, path("data"), b"x", version=0)
    raises(NoNodeError, ZK.set, path("missing"), b"x")
    raises(NoNodeError, ZK.get, path("missing"))
    if not stat.mzxid > stat.czxid:
        raise AssertionError("mzxid does not follow czxid")


@check("delete respects version and children, and deletes recursively on demand")
def delete():
    ZK.create(path("tree/of/nodes"), makepath=True)
    raises(NotEmptyError, ZK.delete, path("tree"))
    raises(BadVersionError, ZK.delete, path("tree/of/nodes"), version=3)
    raises(NoNodeError, ZK.delete, path("missing"))
    ZK.delete(path("tree"), recursive=True)
    equal(ZK.exists(path("tree")), None, "exists")


@check("get_children lists names, with the Stat of the parent on demand")
def children():
    for name in ("a", "b", "c"):
        ZK.create(path("parent/" + name), makepath=True)
    equal(sorted(ZK.get_children(path("parent"))), ["a", "b", "c"], "names")
    names, stat = ZK.get_children(path("parent"), include_data=True)
    equal((sorted(names), stat.numChildren, stat.cversion), (["a", "b", "c"], 3, 3), "names and Stat")
    raises(NoNodeError, ZK.get_children, path("missing"))


@check("get_acls and set_acls work with the schemes world and digest")
def acls():
    ZK.create(path("acl"), b"x")
    equal(ZK.get_acls(path("acl"))[0], OPEN_ACL_UNSAFE, "default")
    digest = [make_digest_acl("bob", "secret", read=True)]
    both = [make_acl("world", "anyone", admin=True), *digest]
    equal(ZK.set_acls(path("acl"), both, version=0).aversion, 1, "aversion")
    acl, stat = ZK.get_acls(path("acl"))
    equal((acl, stat.aversion, stat.version), (both, 1, 0), "stored")
    raises(BadVersionError, ZK.set_acls, path("acl"), both, version=0)
    raises(NoAuthError, ZK.get, path("acl"))
    bob = connect(auth_data=[("digest", "bob:secret")])
    equal(bob.get(path("acl"))[0], b"x", "data for bob")
    raises(NoAuthError, bob.set, path("acl"), b"y")
    close(bob)


@check("add_auth with digest owns what CREATOR_ALL creates")
def digest_auth():
    owner, another = connect(), connect()
    owner.add_auth("digest", "alice:wonder")
    owner.create(path("owned"), b"mine", acl=CREATOR_ALL_ACL)
    acl = owner.get_acls(path("owned"))[0]
    equal([(each.perms, each.id.scheme, each.id.id.split(":")[0]) for each in acl], [(Permissions.ALL, "digest", "alice")], "ACL")
    raises(NoAuthError, another.get, path("owned"))
    raises(InvalidACLError, another.create, path("orphan"), acl=CREATOR_ALL_ACL)
    another.add_auth("digest", "alice:wonder")
    equal(another.get(path("owned"))[0], b"mine", "data after authentication")
    close(owner, another)


@check("a transaction with check commits as a whole")
def transaction():
    ZK.create(path("tx"), b"0")
    tx = ZK.transaction()
    tx.create(path("tx/a"), b"1")
    tx.check(path("tx"), version=0)
    tx.set_data(path("tx"), b"2")
    tx.create(path("tx/b-"), sequence=True)
    tx.delete(path("tx/a"))
    results = tx.commit()
    equal((results[0], results[1], results[2].version, results[3], results[4]),
          (path("tx/a"), True, 1, path("tx/b-0000000001"), True), "results")
    equal(ZK.get_children(path("tx")), ["b-0000000001"], "children")


@check("a transaction with a failing check changes nothing and names the failure")
def failed_transaction():
    ZK.create(path("txfail"))
    tx = ZK.transaction()
    tx.create(path("txfail/a"))
    tx.check(path("txfail"), version=7)
    tx.delete(path("txfail"))
    equal([type(each) for each in tx.commit()], [RolledBackError, BadVersionError, RuntimeInconsistency], "results")
    equal(ZK.get_children(path("txfail")), [], "children")


@check("sync returns its path")
def sync():
    equal(ZK.sync(ROOT), ROOT, "path")


@check("one-shot watches report created, changed, child and deleted, once each")
def watches():
    events = []
    record = lambda event: events.append((event.type, event.path))
    node = path("watched")
    ZK.exists(node, watch=record)
    ZK.create(node)
    ZK.get(node, watch=record)
    ZK.set(node, b"1")
    ZK.set(node, b"2")
    ZK.get_children(node, watch=record)
    ZK.create(node + "/child")
    ZK.delete(node + "/child")
    ZK.exists(node, watch=record)
    ZK.delete(node)
    wanted = [EventType.CREATED, EventType.CHANGED, EventType.CHILD, EventType.DELETED]
    eventually(lambda: len(events) >= len(wanted), "events")
    equal(events, [(each, node) for each in wanted], "events")


@check("the session survives a lost connection with its ephemerals, and DataWatch goes on")
def reconnect():
    client = connect(PROXY, timeout=6.0)
    states, values = [], []
    client.add_listener(states.append)
    client.create(path("cut"), b"0", ephemeral=True)
    client.DataWatch(path("cut"))(lambda data, stat: values.append(data))
    before = client.client_id
    control("block")
    eventually(lambda: KazooState.SUSPENDED in states, "suspended")
    ZK.set(path("cut"), b"1")
    control("unblock")
    eventually(lambda: client.connected, "connected again")
    equal(client.client_id, before, "session")
    eventually(lambda: values[-1] == b"1", "the change made while disconnected")
    ZK.set(path("cut"), b"2")
    eventually(lambda: values[-1] == b"2", "a later change")
    close(client)
    equal(ZK.exists(path("cut")), None, "ephemeral after close")


@check("a session cut off for longer than its timeout is lost with its ephemerals, and the client gets a new one")
def expiry():
    client = connect(PROXY, timeout=2.0)
    states = []
    client.add_listener(states.append)
    client.create(path("expiring"), ephemeral=True)
    before = client.client_id
    control("block")
    eventually(lambda: ZK.exists(path("expiring")) is None, "ephemeral gone")
    control("unblock")
    eventually(lambda: KazooState.LOST in states and client.connected, "lost, then connected")
    if client.client_id == before:
        raise AssertionError("the expired session came back")
    client.create(path("expiring"), ephemeral=True)
    close(client)


@check("another client re-attaches a session by its id and password, and not by a wrong password")
def reattach():
    first = connect(PROXY)
    first.create(path("handover"), ephemeral=True)
    session, password = first.client_id
    control("block")  # otherwise the first kazoo would reconnect at once and take the session back
    thief = connect(client_id=(session, b"\x01" * 16))
    if thief.client_id[0] == session:
        raise AssertionError("a wrong password opened the session")
    heir = connect(client_id=(session, password))
    equal(heir.client_id, (session, password), "session")
    equal(heir.exists(path("handover")).ephemeralOwner, session, "owner")
    close(thief, heir)
    control("unblock")
    first.stop()


@check("the recipes Lock, Counter, Queue, Barrier, Election and Party work")
def recipes():
    with ZK.Lock(path("lock"), "me"):
        equal(ZK.Lock(path("lock"), "you").acquire(blocking=False), False, "second holder")
    counter = ZK.Counter(path("counter"))
    counter += 3
    counter -= 1
    equal(counter.value, 2, "counter")
    queue = ZK.Queue(path("queue"))
    queue.put(b"first")
    queue.put(b"second")
    equal([queue.get(), queue.get(), queue.get()], [b"first", b"second", None], "queue")
    barrier = ZK.Barrier(path("barrier"))
    barrier.create()
    equal(barrier.wait(timeout=0.2), False, "closed barrier")
    barrier.remove()
    equal(barrier.wait(timeout=5), True, "open barrier")
    elected = []
    ZK.Election(path("election"), "me").run(lambda: elected.append("me"))
    equal(elected, ["me"], "elected")
    party = ZK.Party(path("party"), "guest")
    party.join()
    equal(list(party), ["guest"], "party")
    party.leave()
    equal(list(party), [], "party after leaving")


@check("a value of one megabyte less the headers is written and read")
def large_value():
    value = bytes(range(256)) * 4000
    ZK.create(path("large"), value)
    equal(ZK.get(path("large"))[0], value, "value")
    ZK.delete(path("large"))


@check("a request that is too long fails; only ZooKeeper closes the connection")
def too_long():
    states = []
    client = connect()
    client.add_listener(states.append)
    client.create(path("long"), b"kept")
    is_zookeeper = os.environ["ZK_TARGET"] == "zookeeper"
    raises(ConnectionLoss if is_zookeeper else MarshallingError, client.set, path("long"), bytes(2_000_000))
    eventually(lambda: client.state == KazooState.CONNECTED, "connected")
    equal(client.retry(client.get, path("long"))[0], b"kept", "value")
    if not is_zookeeper:
        equal(states, [], "connection states")
    close(client)


@check("the lock of examples/kazoo_lock.py counts each hold once")
def lock_example():
    example = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../examples/kazoo_lock.py")
    done = subprocess.run([sys.executable, example, SERVERS], capture_output=True, text=True, timeout=60)
    equal((done.returncode, done.stdout), (0, "the counter is 15\n"), done.stderr[-400:] or "output")
