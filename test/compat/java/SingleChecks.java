import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;
import org.apache.zookeeper.server.auth.DigestAuthenticationProvider;

/** Every operation of the stock Java client, against one server. */
final class SingleChecks {
    private static final List<ACL> OPEN = Ids.OPEN_ACL_UNSAFE;
    private static ZooKeeper zk;

    static void register() throws Exception {
        zk = Harness.connect(Harness.SERVERS, 10_000);
        make(Harness.ROOT);
        Harness.check("the session timeout is negotiated between 2 and 20 ticks", SingleChecks::timeouts);
        Harness.check("create makes znodes in all four modes", SingleChecks::createModes);
        Harness.check("create with a Stat returns that of the new znode", SingleChecks::createWithStat);
        Harness.check("refused operations throw the exception of their code", SingleChecks::refusals);
        Harness.check("a request that is too long fails; only ZooKeeper closes the connection", SingleChecks::tooLong);
        Harness.check("setData and getData agree on data and Stat", SingleChecks::data);
        Harness.check("getChildren lists names and fills the Stat", SingleChecks::children);
        Harness.check("getACL and setACL work with the schemes world and digest", SingleChecks::acls);
        Harness.check("a container can have children and an ephemeral cannot", SingleChecks::containers);
        Harness.check("multi with check commits as a whole", SingleChecks::multi);
        Harness.check("multi with a failing check changes nothing and reports each operation", SingleChecks::failedMulti);
        Harness.check("multi of reads returns data, children and errors", SingleChecks::multiRead);
        Harness.check("sync calls back with success", SingleChecks::sync);
        Harness.check("one-shot watches report all four changes", SingleChecks::watches);
        Harness.check("persistent and recursive watches report, and are removed", SingleChecks::persistentWatches);
        Harness.check("getEphemerals, getAllChildrenNumber and whoAmI answer", SingleChecks::questions);
        Harness.check("one-shot and persistent watches survive a lost connection and report missed changes", SingleChecks::reconnect);
        Harness.check("a session cut off for longer than its timeout is expired", SingleChecks::expiry);
        Harness.check("a session is re-attached by id and password, and not by a wrong password", SingleChecks::reattach);
        Harness.check("a thousand asynchronous creates complete in order", SingleChecks::pipeline);
    }

    private static String path(String name) {
        return Harness.ROOT + "/" + name;
    }

    private static String make(String path) throws Exception {
        return zk.create(path, "x".getBytes(), OPEN, CreateMode.PERSISTENT);
    }

    private static void timeouts() throws Exception {
        List<Integer> negotiated = new ArrayList<>();
        for (int asked : new int[] {1500, 7000, 3_600_000}) {
            ZooKeeper client = Harness.connect(Harness.SERVERS, asked);
            negotiated.add(client.getSessionTimeout());
            client.close();
        }
        Harness.equal(negotiated, List.of(2000, 7000, 20_000), "timeouts");
    }

    private static void createModes() throws Exception {
        String parent = make(path("modes"));
        zk.create(parent + "/p", null, OPEN, CreateMode.PERSISTENT);
        zk.create(parent + "/e", null, OPEN, CreateMode.EPHEMERAL);
        Harness.equal(zk.create(parent + "/s", null, OPEN, CreateMode.PERSISTENT_SEQUENTIAL), parent + "/s0000000002", "sequential");
        Harness.equal(zk.create(parent + "/s", null, OPEN, CreateMode.EPHEMERAL_SEQUENTIAL), parent + "/s0000000003", "both");
        for (String name : zk.getChildren(parent, false)) {
            long wanted = name.equals("e") || name.endsWith("3") ? zk.getSessionId() : 0;
            Harness.equal(zk.exists(parent + "/" + name, false).getEphemeralOwner(), wanted, "owner of " + name);
        }
    }

    private static void createWithStat() throws Exception {
        Stat stat = new Stat();
        Harness.equal(zk.create(path("stat"), "four".getBytes(), OPEN, CreateMode.PERSISTENT, stat), path("stat"), "path");
        Harness.equal(stat, zk.exists(path("stat"), false), "Stat");
        Harness.equal(List.of(stat.getMzxid(), stat.getPzxid(), stat.getMtime()), List.of(stat.getCzxid(), stat.getCzxid(), stat.getCtime()), "zxids and times");
        Harness.equal(List.of(stat.getVersion(), stat.getCversion(), stat.getAversion(), stat.getDataLength()), List.of(0, 0, 0, 4), "versions and length");
    }

    private static void refusals() throws Exception {
        String parent = make(path("refusals"));
        zk.create(parent + "/e", null, OPEN, CreateMode.EPHEMERAL);
        Harness.fails(Code.NODEEXISTS, () -> make(parent));
        Harness.fails(Code.NONODE, () -> make(path("missing/child")));
        Harness.fails(Code.NOCHILDRENFOREPHEMERALS, () -> make(parent + "/e/child"));
        Harness.fails(Code.NOTEMPTY, () -> zk.delete(parent, -1));
        Harness.fails(Code.BADVERSION, () -> zk.delete(parent + "/e", 5));
        Harness.fails(Code.BADVERSION, () -> zk.setData(parent, null, 5));
        Harness.fails(Code.NONODE, () -> zk.getData(path("missing"), false, null));
        Harness.fails(Code.INVALIDACL, () -> zk.create(path("a"), null, Arrays.asList(new ACL(31, new Id("nothing", "x"))), CreateMode.PERSISTENT));
        Harness.fails(Code.UNIMPLEMENTED, () -> zk.create(path("ttl"), null, OPEN, CreateMode.PERSISTENT_WITH_TTL, new Stat(), 1000));
        Harness.equal(zk.exists(path("missing"), false), null, "exists");
    }

    private static void tooLong() throws Exception {
        boolean isZooKeeper = "zookeeper".equals(System.getenv("ZK_TARGET"));
        Harness.Events events = new Harness.Events();
        ZooKeeper client = new ZooKeeper(Harness.SERVERS, 10_000, events);
        events.connected.await(20, TimeUnit.SECONDS);
        String parent = make(path("long"));
        CountDownLatch others = new CountDownLatch(2);
        List<Integer> codes = new ArrayList<>();
        client.create(parent + "/before", null, OPEN, CreateMode.PERSISTENT, (code, path, context, name) -> {
            codes.add(code);
            others.countDown();
        }, null);
        Code wanted = isZooKeeper ? Code.CONNECTIONLOSS : Code.MARSHALLINGERROR;
        Harness.fails(wanted, () -> client.setData(parent, new byte[2_000_000], -1));
        client.create(parent + "/after", null, OPEN, CreateMode.PERSISTENT, (code, path, context, name) -> {
            codes.add(code);
            others.countDown();
        }, null);
        others.await(20, TimeUnit.SECONDS);
        if (!isZooKeeper) {
            Harness.equal(codes, List.of(0, 0), "requests around it");
            Harness.equal(client.getState(), ZooKeeper.States.CONNECTED, "state");
            Harness.equal(events.queue.size(), 1, "connection events");
        }
        client.close();
    }

    private static void data() throws Exception {
        make(path("data"));
        Stat written = zk.setData(path("data"), "longer".getBytes(), 0);
        Stat read = new Stat();
        Harness.equal(new String(zk.getData(path("data"), false, read)), "longer", "data");
        Harness.equal(read, written, "Stat");
        Harness.equal(List.of(read.getVersion(), read.getDataLength()), List.of(1, 6), "version and length");
        zk.setData(path("data"), null, 1);
        Harness.equal(zk.getData(path("data"), false, null), null, "null data");
    }

    private static void children() throws Exception {
        String parent = make(path("children"));
        for (String name : List.of("b", "a", "c")) {
            make(parent + "/" + name);
        }
        zk.delete(parent + "/b", 0);
        Stat stat = new Stat();
        Harness.equal(Harness.sorted(zk.getChildren(parent, false, stat)), List.of("a", "c"), "names");
        Harness.equal(List.of(stat.getNumChildren(), stat.getCversion(), stat.getVersion()), List.of(2, 4, 0), "Stat");
    }

    private static void acls() throws Exception {
        String node = make(path("acl"));
        String hashed = DigestAuthenticationProvider.generateDigest("bob:secret");
        List<ACL> acl = Arrays.asList(new ACL(Perms.ALL, new Id("digest", hashed)), new ACL(Perms.READ, Ids.ANYONE_ID_UNSAFE));
        Harness.equal(zk.setACL(node, acl, 0).getAversion(), 1, "aversion");
        Harness.equal(zk.getACL(node, new Stat()).get(0).getId().getId(), "bob:x", "masked id");
        Harness.fails(Code.NOAUTH, () -> zk.setData(node, null, -1));
        Harness.fails(Code.NOAUTH, () -> zk.setACL(node, OPEN, -1));
        ZooKeeper bob = Harness.connect(Harness.SERVERS, 10_000);
        bob.addAuthInfo("digest", "bob:secret".getBytes());
        Harness.equal(bob.getACL(node, new Stat()), acl, "ACL seen by bob");
        Harness.equal(bob.setData(node, null, -1).getVersion(), 1, "version");
        Harness.fails(Code.BADVERSION, () -> bob.setACL(node, OPEN, 0));
        bob.create(path("bobs"), null, Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        Harness.fails(Code.NOAUTH, () -> zk.getData(path("bobs"), false, null));
        bob.close();
    }

    private static void containers() throws Exception {
        zk.create(path("container"), null, OPEN, CreateMode.CONTAINER);
        make(path("container/child"));
        Harness.equal(zk.exists(path("container"), false).getEphemeralOwner(), 0L, "owner");
    }

    private static void multi() throws Exception {
        String parent = make(path("multi"));
        List<OpResult> results = zk.multi(List.of(
            Op.create(parent + "/a", null, OPEN, CreateMode.PERSISTENT),
            Op.check(parent, 0),
            Op.setData(parent, "y".getBytes(), 0),
            Op.create(parent + "/s", null, OPEN, CreateMode.PERSISTENT_SEQUENTIAL),
            Op.delete(parent + "/a", -1)));
        Harness.equal(((OpResult.CreateResult) results.get(0)).getPath(), parent + "/a", "created");
        Harness.equal(((OpResult.SetDataResult) results.get(2)).getStat().getVersion(), 1, "version");
        Harness.equal(((OpResult.CreateResult) results.get(3)).getPath(), parent + "/s0000000001", "sequential");
        Harness.equal(zk.getChildren(parent, false), List.of("s0000000001"), "children");
    }

    private static void failedMulti() throws Exception {
        String parent = make(path("multifail"));
        try {
            zk.multi(List.of(Op.create(parent + "/a", null, OPEN, CreateMode.PERSISTENT), Op.check(parent, 9), Op.delete(parent, -1)));
            throw new AssertionError("the multi succeeded");
        } catch (KeeperException.BadVersionException error) {
            List<Integer> codes = new ArrayList<>();
            for (OpResult result : error.getResults()) {
                codes.add(((OpResult.ErrorResult) result).getErr());
            }
            Harness.equal(codes, List.of(0, -103, -2), "codes");
        }
        Harness.equal(zk.getChildren(parent, false), List.of(), "children");
    }

    private static void multiRead() throws Exception {
        String parent = make(path("multiread"));
        make(parent + "/child");
        List<OpResult> results = zk.multi(List.of(Op.getData(parent), Op.getData(path("missing")), Op.getChildren(parent)));
        Harness.equal(new String(((OpResult.GetDataResult) results.get(0)).getData()), "x", "data");
        Harness.equal(((OpResult.ErrorResult) results.get(1)).getErr(), -101, "error");
        Harness.equal(((OpResult.GetChildrenResult) results.get(2)).getChildren(), List.of("child"), "children");
    }

    private static void sync() throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        zk.sync(Harness.ROOT, (code, path, context) -> {
            if (code == 0 && path.equals(Harness.ROOT)) {
                done.countDown();
            }
        }, null);
        Harness.equal(done.await(10, TimeUnit.SECONDS), true, "called back");
    }

    private static void watches() throws Exception {
        String node = path("watched");
        Harness.Events events = new Harness.Events();
        zk.exists(node, events);
        make(node);
        Harness.equal(events.next(), "NodeCreated " + node, "create");
        zk.getData(node, events, null);
        zk.setData(node, null, -1);
        Harness.equal(events.next(), "NodeDataChanged " + node, "setData");
        zk.getChildren(node, events);
        make(node + "/child");
        Harness.equal(events.next(), "NodeChildrenChanged " + node, "create of a child");
        zk.delete(node + "/child", -1);
        zk.getData(node, events, null);
        zk.delete(node, -1);
        Harness.equal(events.next(), "NodeDeleted " + node, "delete");
        Harness.equal(events.queue.size(), 0, "further events");
    }

    private static void persistentWatches() throws Exception {
        String node = make(path("lasting"));
        Harness.Events persistent = new Harness.Events();
        Harness.Events recursive = new Harness.Events();
        zk.addWatch(node, persistent, AddWatchMode.PERSISTENT);
        zk.addWatch(Harness.ROOT + "/lasting2", recursive, AddWatchMode.PERSISTENT_RECURSIVE);
        for (int round = 0; round < 2; round++) {
            zk.setData(node, null, -1);
            Harness.equal(persistent.next(), "NodeDataChanged " + node, "setData");
        }
        make(path("lasting2"));
        make(path("lasting2/child"));
        Harness.equal(recursive.next(), "NodeCreated " + path("lasting2"), "create");
        Harness.equal(recursive.next(), "NodeCreated " + path("lasting2/child"), "create below");
        zk.removeWatches(node, persistent, WatcherType.Any, false);
        zk.setData(node, null, -1);
        Harness.equal(persistent.next(), "PersistentWatchRemoved " + node, "event of the removal");
        Harness.equal(persistent.queue.size(), 0, "events after the removal");
        Harness.fails(Code.NOWATCHER, () -> zk.removeWatches(node, persistent, WatcherType.Any, false));
    }

    private static void questions() throws Exception {
        ZooKeeper client = Harness.connect(Harness.SERVERS, 10_000);
        make(path("questions"));
        client.create(path("questions/e"), null, OPEN, CreateMode.EPHEMERAL);
        make(path("questions/p"));
        make(path("questions/p/q"));
        Harness.equal(client.getEphemerals(), List.of(path("questions/e")), "ephemerals");
        Harness.equal(client.getEphemerals(path("elsewhere")), List.of(), "ephemerals elsewhere");
        Harness.equal(client.getAllChildrenNumber(path("questions")), 3, "descendants");
        client.addAuthInfo("digest", "carol:pw".getBytes());
        Harness.equal(client.whoAmI().stream().anyMatch(each -> each.getAuthScheme().equals("digest") && each.getUser().equals("carol")), true, "carol is known");
        client.close();
    }

    private static void reconnect() throws Exception {
        Harness.Events session = new Harness.Events();
        ZooKeeper client = new ZooKeeper(Harness.PROXY, 10_000, session);
        session.connected.await(20, TimeUnit.SECONDS);
        String[] nodes = {make(path("away1")), make(path("away2")), make(path("away3")), path("away4"), make(path("away5"))};
        Harness.Events[] events = new Harness.Events[nodes.length];
        for (int index = 0; index < nodes.length; index++) {
            events[index] = new Harness.Events();
        }
        client.getData(nodes[0], events[0], null);
        client.getData(nodes[1], events[1], null);
        client.getChildren(nodes[2], events[2]);
        client.exists(nodes[3], events[3]);
        client.addWatch(nodes[4], events[4], AddWatchMode.PERSISTENT);
        client.create(path("away-e"), null, OPEN, CreateMode.EPHEMERAL);
        long id = client.getSessionId();
        Harness.control("block");
        Harness.eventually("disconnected", () -> session.saw(KeeperState.Disconnected));
        zk.setData(nodes[0], null, -1);
        zk.delete(nodes[1], -1);
        make(nodes[2] + "/child");
        make(nodes[3]);
        Harness.control("unblock");
        Harness.equal(events[0].next(), "NodeDataChanged " + nodes[0], "changed meanwhile");
        Harness.equal(events[1].next(), "NodeDeleted " + nodes[1], "deleted meanwhile");
        Harness.equal(events[2].next(), "NodeChildrenChanged " + nodes[2], "child made meanwhile");
        Harness.equal(events[3].next(), "NodeCreated " + nodes[3], "created meanwhile");
        zk.setData(nodes[4], null, -1);
        Harness.equal(events[4].next(), "NodeDataChanged " + nodes[4], "persistent watch after the return");
        Harness.equal(List.of(client.getSessionId(), client.exists(path("away-e"), false).getEphemeralOwner()), List.of(id, id), "session and owner");
        client.close();
    }

    private static void expiry() throws Exception {
        Harness.Events session = new Harness.Events();
        ZooKeeper client = new ZooKeeper(Harness.PROXY, 2000, session);
        session.connected.await(20, TimeUnit.SECONDS);
        client.create(path("expiring"), null, OPEN, CreateMode.EPHEMERAL);
        Harness.control("block");
        Harness.eventually("ephemeral gone", () -> zk.exists(path("expiring"), false) == null);
        Harness.control("unblock");
        Harness.eventually("expired", () -> session.saw(KeeperState.Expired));
        Harness.fails(Code.SESSIONEXPIRED, () -> client.exists("/", false));
        client.close();
    }

    private static void reattach() throws Exception {
        ZooKeeper first = Harness.connect(Harness.PROXY, 10_000);
        first.create(path("handover"), null, OPEN, CreateMode.EPHEMERAL);
        Harness.control("block");
        Harness.Events thiefEvents = new Harness.Events();
        ZooKeeper thief = new ZooKeeper(Harness.SERVERS, 10_000, thiefEvents, first.getSessionId(), new byte[16]);
        Harness.eventually("thief refused", () -> thiefEvents.saw(KeeperState.Expired));
        Harness.Events heirEvents = new Harness.Events();
        ZooKeeper heir = new ZooKeeper(Harness.SERVERS, 10_000, heirEvents, first.getSessionId(), first.getSessionPasswd());
        heirEvents.connected.await(20, TimeUnit.SECONDS);
        Harness.equal(heir.exists(path("handover"), false).getEphemeralOwner(), first.getSessionId(), "owner");
        heir.close();
        thief.close();
        Harness.equal(zk.exists(path("handover"), false), null, "ephemeral after close");
        Harness.control("unblock");
        first.close();
    }

    private static void pipeline() throws Exception {
        String parent = make(path("pipeline"));
        List<String> made = java.util.Collections.synchronizedList(new ArrayList<>());
        CountDownLatch done = new CountDownLatch(1000);
        for (int index = 0; index < 1000; index++) {
            zk.create(parent + "/n", new byte[100], OPEN, CreateMode.PERSISTENT_SEQUENTIAL, (code, path, context, name) -> {
                made.add(name);
                done.countDown();
            }, null);
        }
        Harness.equal(done.await(30, TimeUnit.SECONDS), true, "all called back");
        for (int index = 0; index < 1000; index++) {
            Harness.equal(made.get(index), String.format("%s/n%010d", parent, index), "name");
        }
    }

    private SingleChecks() {
    }
}
