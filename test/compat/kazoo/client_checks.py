"""Features of kazoo's client besides operations: states, chroot, commands, authentication, asynchronous calls."""

import re

from kazoo.client import KazooState
from kazoo.exceptions import AuthFailedError, NoAuthError, RolledBackError, ZookeeperError
from kazoo.protocol.states import KeeperState
from kazoo.security import CREATOR_ALL_ACL, READ_ACL_UNSAFE, make_acl
from harness import PROXY, ROOT, SERVERS, check, close, connect, control, equal, eventually, raises

ZK = connect()
ZK.ensure_path(ROOT)


def path(name):
    return f"{ROOT}/{name}"


@check("server_version and four-letter commands answer")
def commands():
    equal(len(ZK.server_version()), 3, "parts of the version")
    equal(ZK.command(b"ruok"), "imok", "ruok")
    answers = {word: ZK.command(word) for word in (b"srvr", b"stat", b"cons", b"conf", b"envi", b"mntr", b"isro")}
    patterns = {
        b"srvr": r"^Mode: standalone$",
        b"stat": r"^Clients:$",
        b"cons": r"^ /127\.0\.0\.1:\d+\[1\]\(.*sid=0x",
        b"conf": r"^clientPort=\d+$",
        b"envi": r"^zookeeper\.version=",
        b"mntr": r"^zk_server_state\tstandalone$",
        b"isro": r"^rw$",
    }
    for word, pattern in patterns.items():
        equal(re.search(pattern, answers[word], re.MULTILINE) is not None, True, f"{word} in {answers[word]!r}")


@check("reconfig is refused while it is not enabled, and the configuration can be read")
def reconfig():
    equal(ZK.get("/zookeeper/config")[0], b"", "configuration")
    raises(ZookeeperError, ZK.reconfig, joining="server.9=127.0.0.1:1:2:participant;3", leaving=None, new_members=None)
    equal(ZK.exists(ROOT) is not None, True, "the connection lives on")


@check("paths are below the chroot, in events of watches too")
def chroot():
    client = connect(f"{SERVERS}{ROOT}/space")
    client.ensure_path("/")
    events = []
    client.exists("/a", watch=lambda event: events.append(event.path))
    client.create("/a/b", b"x", makepath=True)
    equal(ZK.get(path("space/a/b"))[0], b"x", "data")
    eventually(lambda: events == ["/a"], "path of the event")
    close(client)


@check("listeners get SUSPENDED and CONNECTED around a lost connection")
def suspended():
    client = connect(PROXY)
    states = []
    client.add_listener(states.append)
    session = client.client_id
    control("cut")
    eventually(lambda: states[:2] == [KazooState.SUSPENDED, KazooState.CONNECTED], "states")
    eventually(lambda: client.client_state == KeeperState.CONNECTED, "state")
    equal(client.client_id, session, "session")
    close(client)
    eventually(lambda: states[-1] == KazooState.LOST, "lost after the end")


@check("restart gives a new session and drops the old one's ephemerals")
def restart():
    client = connect()
    first = client.client_id
    client.create(path("restart"), ephemeral=True)
    client.restart()
    eventually(lambda: client.client_id not in (None, first), "another session")
    equal(client.exists(path("restart")), None, "ephemeral")
    close(client)


@check("an unknown scheme fails authentication and leaves the server usable")
def failed_authentication():
    client = connect()
    raises(AuthFailedError, client.add_auth, "nothing", "x")
    close(client)
    equal(ZK.exists(ROOT) is not None, True, "others go on")


@check("credentials are sent again after a lost connection")
def authentication_returns():
    client = connect(PROXY, auth_data=[("digest", "jane:pw")], default_acl=CREATOR_ALL_ACL)
    client.create(path("secret"), b"x")
    raises(NoAuthError, ZK.get, path("secret"))
    control("cut")
    eventually(lambda: client.retry(client.get, path("secret"))[0] == b"x", "read after the return")
    client.set_acls(path("secret"), READ_ACL_UNSAFE)
    equal(ZK.get(path("secret"))[0], b"x", "data for all")
    close(client)


@check("ip ACLs admit this machine and refuse others")
def ip_acls():
    here = [make_acl("ip", "127.0.0.1", all=True)]
    ZK.create(path("ip"), b"x", acl=here)
    equal(ZK.get(path("ip"))[0], b"x", "data")
    ZK.set_acls(path("ip"), [make_acl("ip", "10.0.0.0/8", all=True)])
    raises(NoAuthError, ZK.get, path("ip"))


@check("asynchronous calls complete in order")
def asynchronous():
    parent = path("async")
    ZK.create(parent)
    made = [ZK.create_async(f"{parent}/n", sequence=True) for _ in range(200)]
    synced = ZK.sync_async(parent)
    counted = ZK.get_children_async(parent)
    equal([each.get(timeout=20) for each in made], [f"{parent}/n{index:010d}" for index in range(200)], "names")
    equal((synced.get(timeout=20), len(counted.get(timeout=20))), (parent, 200), "results of the calls after them")


@check("a transaction used as a context commits at its end, and reports each failure")
def transactions():
    parent = path("context")
    ZK.create(parent, b"0")
    with ZK.transaction() as transaction:
        transaction.create(f"{parent}/e", ephemeral=True)
        transaction.create(f"{parent}/s-", sequence=True, ephemeral=True)
        transaction.set_data(parent, b"1", version=0)
    equal((sorted(ZK.get_children(parent)), ZK.get(parent)[0]), (["e", "s-0000000001"], b"1"), "committed")
    failing = ZK.transaction()
    failing.delete(f"{parent}/e")
    failing.check(f"{parent}/no", version=0)
    results = failing.commit()
    equal([type(each) for each in results][0], RolledBackError, "first")
    equal(ZK.exists(f"{parent}/e") is not None, True, "nothing is deleted")
