import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.Transaction;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.ZKUtil;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.admin.ZooKeeperAdmin;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;

/** Further features of the stock Java client, against one server with TTL znodes, which deletes them and empty containers within about a second. */
final class FeatureChecks {
    private static final List<ACL> OPEN = Ids.OPEN_ACL_UNSAFE;
    private static ZooKeeper zk;

    static void register() throws Exception {
        zk = Harness.connect(Harness.SERVERS, 10_000);
        make(Harness.ROOT);
        Harness.check("create makes znodes in all seven modes", FeatureChecks::createModes);
        Harness.check("TTL znodes and containers are deleted when they are expired or empty, with events", FeatureChecks::transientZnodes);
        Harness.check("a time to live out of its range is refused", FeatureChecks::timesToLive);
        Harness.check("multi takes containers and TTL znodes and reports each result", FeatureChecks::multiResults);
        Harness.check("a Transaction commits in the background and calls back", FeatureChecks::asynchronousMulti);
        Harness.check("callbacks of all kinds of operations come in the order of the calls", FeatureChecks::callbackOrder);
        Harness.check("callbacks carry the codes of refused operations", FeatureChecks::callbackCodes);
        Harness.check("addWatch and the default watcher serve several watchers of one path", FeatureChecks::manyWatchers);
        Harness.check("removeWatches takes away one kind of watch and leaves the others", FeatureChecks::removedWatches);
        Harness.check("a recursive watch gets events of its subtree and no others", FeatureChecks::recursiveWatch);
        Harness.check("hundreds of watches are set again after a lost connection", FeatureChecks::manyWatchesReturn);
        Harness.check("getEphemerals follows creates, deletes and sessions", FeatureChecks::ephemerals);
        Harness.check("paths are below the chroot, in watches and multi too", FeatureChecks::chroot);
        Harness.check("the configuration is read and not changed", FeatureChecks::configuration);
        Harness.check("all permissions guard their operations", FeatureChecks::permissions);
        Harness.check("several credentials add up and are sent again after a lost connection", FeatureChecks::credentials);
        Harness.check("an unknown scheme fails authentication", FeatureChecks::failedAuthentication);
        Harness.check("a second client with the same session takes it from the first", FeatureChecks::sessionTaken);
        Harness.check("data up to the limit is accepted; above it the call fails and the session stays alive", FeatureChecks::largeData);
        Harness.check("ZKUtil deletes and lists whole trees", FeatureChecks::trees);
    }

    private static String path(String name) {
        return Harness.ROOT + "/" + name;
    }

    private static String make(String path) throws Exception {
        return zk.create(path, "x".getBytes(), OPEN, CreateMode.PERSISTENT);
    }

    private static String create(String path, CreateMode mode, long ttlMs) throws Exception {
        return zk.create(path, null, OPEN, mode, new Stat(), ttlMs);
    }

    private static void createModes() throws Exception {
        String parent = make(path("modes"));
        List<String> made = new ArrayList<>();
        for (CreateMode mode : CreateMode.values()) {
            made.add(create(parent + "/" + mode + "-", mode, mode.isTTL() ? 600_000 : -1).substring(parent.length() + 1));
        }
        Harness.equal(made, List.of("PERSISTENT-", "PERSISTENT_SEQUENTIAL-0000000001", "EPHEMERAL-", "EPHEMERAL_SEQUENTIAL-0000000003",
            "CONTAINER-", "PERSISTENT_WITH_TTL-", "PERSISTENT_SEQUENTIAL_WITH_TTL-0000000006"), "names");
        Stat container = zk.exists(parent + "/CONTAINER-", false);
        Stat ttl = zk.exists(parent + "/PERSISTENT_WITH_TTL-", false);
        Harness.equal(List.of(container.getEphemeralOwner(), ttl.getEphemeralOwner()), List.of(0L, 0L), "owners");
        make(parent + "/PERSISTENT_WITH_TTL-/child");
    }

    private static void transientZnodes() throws Exception {
        Harness.Events events = new Harness.Events();
        create(path("brief"), CreateMode.PERSISTENT_WITH_TTL, 600);
        zk.exists(path("brief"), events);
        create(path("container"), CreateMode.CONTAINER, -1);
        make(path("container/child"));
        zk.delete(path("container/child"), -1);
        zk.exists(path("container"), events);
        Harness.equal(Harness.sorted(List.of(events.next(), events.next())), List.of("NodeDeleted " + path("brief"), "NodeDeleted " + path("container")), "events");
        create(path("touched"), CreateMode.PERSISTENT_WITH_TTL, 1500);
        for (int round = 0; round < 6; round++) {
            Thread.sleep(500);
            zk.setData(path("touched"), null, -1); // its TTL starts again
        }
        Harness.equal(zk.exists(path("touched"), false) != null, true, "a TTL znode that is touched stays");
    }

    private static void timesToLive() throws Exception {
        Harness.fails(Code.BADARGUMENTS, () -> sendTtl(0));
        for (long ttlMs : new long[] {1, 0xffffffffffL}) {
            zk.delete(create(path("ttl"), CreateMode.PERSISTENT_WITH_TTL, ttlMs), -1);
        }
    }

    /** The client refuses such values in create, but not in a multi. */
    private static void sendTtl(long ttlMs) throws Exception {
        try {
            zk.multi(List.of(Op.create(path("ttl"), null, OPEN, CreateMode.PERSISTENT_WITH_TTL, ttlMs)));
        } catch (IllegalArgumentException error) {
            throw KeeperException.create(Code.BADARGUMENTS);
        }
    }

    private static void multiResults() throws Exception {
        String parent = make(path("multi"));
        List<OpResult> results = zk.multi(List.of(
            Op.create(parent + "/c", null, OPEN, CreateMode.CONTAINER),
            Op.create(parent + "/t", null, OPEN, CreateMode.PERSISTENT_WITH_TTL, 600_000),
            Op.create(parent + "/e", null, OPEN, CreateMode.EPHEMERAL),
            Op.check(parent + "/t", 0),
            Op.setData(parent + "/t", "yy".getBytes(), 0),
            Op.delete(parent + "/e", 0)));
        Harness.equal(((OpResult.CreateResult) results.get(0)).getPath(), parent + "/c", "container");
        Harness.equal(((OpResult.CreateResult) results.get(1)).getStat().getVersion(), 0, "Stat of the TTL znode");
        Harness.equal(((OpResult.SetDataResult) results.get(4)).getStat().getDataLength(), 2, "Stat of setData");
        Harness.equal(results.get(5) instanceof OpResult.DeleteResult, true, "result of delete");
        Harness.equal(Harness.sorted(zk.getChildren(parent, false)), List.of("c", "t"), "children");
    }

    private static void asynchronousMulti() throws Exception {
        String parent = make(path("commit"));
        BlockingQueue<String> answers = new LinkedBlockingQueue<>();
        Transaction good = zk.transaction().create(parent + "/a", null, OPEN, CreateMode.PERSISTENT).setData(parent, null, 0);
        good.commit((code, path, context, results) -> answers.add(code + " " + results.size()), null);
        Transaction bad = zk.transaction().delete(parent + "/a", -1).check(parent, 0).create(parent + "/b", null, OPEN, CreateMode.PERSISTENT);
        bad.commit((code, path, context, results) -> {
            List<Integer> codes = new ArrayList<>();
            results.forEach(each -> codes.add(((OpResult.ErrorResult) each).getErr()));
            answers.add(code + " " + codes);
        }, null);
        Harness.equal(List.of(answers.poll(10, TimeUnit.SECONDS), answers.poll(10, TimeUnit.SECONDS)), List.of("0 2", "-103 [0, -103, -2]"), "answers");
        Harness.equal(zk.getChildren(parent, false), List.of("a"), "children");
    }

    private static void callbackOrder() throws Exception {
        String parent = make(path("order"));
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch done = new CountDownLatch(200);
        for (int index = 0; index < 200; index++) {
            int number = index;
            Runnable called = () -> {
                order.add(number);
                done.countDown();
            };
            switch (index % 8) {
                case 0: zk.create(parent + "/" + index, null, OPEN, CreateMode.PERSISTENT, (code, path, context, name) -> called.run(), null); break;
                case 1: zk.getData(parent + "/" + (index - 1), false, (code, path, context, data, stat) -> called.run(), null); break;
                case 2: zk.setData(parent, null, -1, (code, path, context, stat) -> called.run(), null); break;
                case 3: zk.exists(parent + "/none", false, (code, path, context, stat) -> called.run(), null); break;
                case 4: zk.sync(parent, (code, path, context) -> called.run(), null); break;
                case 5: zk.getChildren(parent, false, (code, path, context, names, stat) -> called.run(), null); break;
                case 6: zk.getACL(parent, new Stat(), (code, path, context, acl, stat) -> called.run(), null); break;
                default: zk.delete(parent + "/none", -1, (code, path, context) -> called.run(), null);
            }
        }
        Harness.equal(done.await(30, TimeUnit.SECONDS), true, "all called back");
        for (int index = 0; index < 200; index++) {
            Harness.equal(order.get(index), index, "order");
        }
    }

    private static void callbackCodes() throws Exception {
        BlockingQueue<Integer> codes = new LinkedBlockingQueue<>();
        String missing = path("missing");
        zk.create(missing + "/a", null, OPEN, CreateMode.PERSISTENT, (code, path, context, name) -> codes.add(code), null);
        zk.create(Harness.ROOT, null, OPEN, CreateMode.PERSISTENT, (code, path, context, name, stat) -> codes.add(code), null);
        zk.setData(Harness.ROOT, null, 77, (code, path, context, stat) -> codes.add(code), null);
        zk.delete(Harness.ROOT, -1, (code, path, context) -> codes.add(code), null);
        zk.getChildren(missing, false, (code, path, context, names) -> codes.add(code), null);
        zk.setACL(Harness.ROOT, OPEN, 77, (code, path, context, stat) -> codes.add(code), null);
        zk.removeWatches(missing, event -> { }, WatcherType.Any, true, (code, path, context) -> codes.add(code), null);
        for (int wanted : new int[] {-101, -110, -103, -111, -101, -103}) {
            Harness.equal(codes.poll(10, TimeUnit.SECONDS), wanted, "code");
        }
        Harness.equal(codes.poll(1, TimeUnit.SECONDS), -121, "code of a missing watch");
    }

    private static void manyWatchers() throws Exception {
        String node = make(path("many"));
        Harness.Events session = new Harness.Events();
        ZooKeeper client = new ZooKeeper(Harness.SERVERS, 10_000, session);
        session.connected.await(20, TimeUnit.SECONDS);
        Harness.Events one = new Harness.Events();
        Harness.Events two = new Harness.Events();
        client.addWatch(node, AddWatchMode.PERSISTENT); // with the default watcher
        client.getData(node, one, null);
        client.exists(node, two);
        client.getChildren(node, two);
        zk.setData(node, null, -1);
        for (Harness.Events each : List.of(session, one, two)) {
            Harness.equal(each.next(), "NodeDataChanged " + node, "event");
        }
        zk.delete(node, -1);
        Harness.equal(session.next(), "NodeDeleted " + node, "persistent");
        Harness.equal(two.next(), "NodeDeleted " + node, "children");
        client.getEphemerals();
        Harness.equal(one.queue.size() + two.queue.size(), 0, "further events");
        client.close();
    }

    private static void removedWatches() throws Exception {
        String node = make(path("removed"));
        Harness.Events data = new Harness.Events();
        Harness.Events children = new Harness.Events();
        Harness.Events lasting = new Harness.Events();
        zk.getData(node, data, null);
        zk.getChildren(node, children);
        zk.addWatch(node, lasting, AddWatchMode.PERSISTENT);
        zk.removeWatches(node, data, WatcherType.Data, false);
        Harness.equal(data.next(), "DataWatchRemoved " + node, "event of the removal");
        zk.setData(node, null, -1);
        Harness.equal(lasting.next(), "NodeDataChanged " + node, "persistent watch");
        make(node + "/child");
        Harness.equal(children.next(), "NodeChildrenChanged " + node, "child watch");
        Harness.equal(lasting.next(), "NodeChildrenChanged " + node, "persistent watch of children");
        zk.removeAllWatches(node, WatcherType.Any, false);
        zk.setData(node, null, -1);
        Harness.equal(lasting.next(), "PersistentWatchRemoved " + node, "event of the second removal");
        Harness.equal(data.queue.size() + lasting.queue.size(), 0, "further events");
    }

    private static void recursiveWatch() throws Exception {
        String top = make(path("recursive"));
        Harness.Events events = new Harness.Events();
        zk.addWatch(top, events, AddWatchMode.PERSISTENT_RECURSIVE);
        make(path("recursive-beside"));
        make(top + "/a");
        make(top + "/a/b");
        zk.setData(top + "/a/b", null, -1);
        zk.delete(top + "/a/b", -1);
        zk.setData(top, null, -1);
        for (String wanted : List.of("NodeCreated " + top + "/a", "NodeCreated " + top + "/a/b", "NodeDataChanged " + top + "/a/b", "NodeDeleted " + top + "/a/b", "NodeDataChanged " + top)) {
            Harness.equal(events.next(), wanted, "event");
        }
        zk.removeWatches(top, events, WatcherType.PersistentRecursive, false);
        Harness.equal(events.next(), "PersistentWatchRemoved " + top, "event of the removal");
        zk.delete(top + "/a", -1);
        zk.exists(top, false);
        Harness.equal(events.queue.size(), 0, "further events");
    }

    private static void manyWatchesReturn() throws Exception {
        String parent = make(path("hundreds"));
        Harness.Events session = new Harness.Events();
        ZooKeeper client = new ZooKeeper(Harness.PROXY, 10_000, session);
        session.connected.await(20, TimeUnit.SECONDS);
        Harness.Events events = new Harness.Events();
        String padding = "p".repeat(300); // more than one setWatches packet of 128 KiB
        for (int index = 0; index < 500; index++) {
            client.exists(parent + "/" + padding + index, events);
        }
        client.addWatch(parent, events, AddWatchMode.PERSISTENT);
        Harness.control("block");
        Harness.eventually("disconnected", () -> session.saw(KeeperState.Disconnected));
        for (int index = 0; index < 500; index += 100) {
            make(parent + "/" + padding + index);
        }
        Harness.control("unblock");
        Harness.eventually("five events of missed changes", () -> created(events) == 5);
        client.exists(parent, false); // answered after every packet of watches: they are all set again
        for (int index = 1; index < 500; index += 100) {
            make(parent + "/" + padding + index);
        }
        Harness.eventually("five more events of later changes", () -> created(events) == 10);
        Harness.eventually("five events of the persistent watch", () -> count(events, EventType.NodeChildrenChanged) == 5);
        client.close();
    }

    private static long created(Harness.Events events) {
        return count(events, EventType.NodeCreated);
    }

    private static long count(Harness.Events events, EventType type) {
        return events.queue.stream().filter(each -> each.getType() == type).count();
    }

    private static void ephemerals() throws Exception {
        ZooKeeper client = Harness.connect(Harness.SERVERS, 10_000);
        String parent = make(path("ephemerals"));
        for (String name : List.of("a1", "a2", "b")) {
            client.create(parent + "/" + name, null, OPEN, CreateMode.EPHEMERAL);
        }
        zk.delete(parent + "/a2", -1);
        Harness.equal(Harness.sorted(client.getEphemerals()), List.of(parent + "/a1", parent + "/b"), "ephemerals");
        Harness.equal(client.getEphemerals(parent + "/a"), List.of(parent + "/a1"), "by prefix");
        BlockingQueue<Object> answers = new LinkedBlockingQueue<>();
        client.getAllChildrenNumber(parent, (code, path, context, number) -> answers.add(number), null);
        Harness.equal(answers.poll(10, TimeUnit.SECONDS), 2, "descendants");
        client.close();
        Harness.equal(zk.getChildren(parent, false), List.of(), "children after close");
    }

    private static void chroot() throws Exception {
        make(path("space"));
        ZooKeeper client = Harness.connect(Harness.SERVERS + path("space"), 10_000);
        Harness.Events events = new Harness.Events();
        client.exists("/a", events);
        Harness.equal(client.create("/a", null, OPEN, CreateMode.PERSISTENT_SEQUENTIAL), "/a0000000000", "path");
        client.multi(List.of(Op.create("/a", null, OPEN, CreateMode.PERSISTENT), Op.check("/a", 0)));
        Harness.equal(events.next(), "NodeCreated /a", "event");
        client.sync("/", (code, path, context) -> { }, null);
        Harness.equal(Harness.sorted(client.getChildren("/", false)), List.of("a", "a0000000000"), "children inside");
        Harness.equal(Harness.sorted(zk.getChildren(path("space"), false)), List.of("a", "a0000000000"), "children outside");
        client.close();
        ZooKeeper lost = Harness.connect(Harness.SERVERS + path("no-space"), 10_000);
        Harness.fails(Code.NONODE, () -> lost.create("/a", null, OPEN, CreateMode.PERSISTENT));
        lost.close();
    }

    private static void configuration() throws Exception {
        ZooKeeperAdmin admin = new ZooKeeperAdmin(Harness.SERVERS, 10_000, new Harness.Events());
        Stat stat = new Stat();
        Harness.equal(new String(admin.getConfig(false, stat)), "", "configuration of one server alone");
        Harness.fails(Code.RECONFIGDISABLED, () -> admin.reconfigure("server.9=127.0.0.1:1:2;3", null, null, -1, null));
        Harness.fails(Code.RECONFIGDISABLED, () -> admin.reconfigure(null, null, "server.9=127.0.0.1:1:2;3", -1, null));
        Harness.fails(Code.NOAUTH, () -> admin.setData("/zookeeper/config", null, -1));
        Harness.equal(Harness.sorted(admin.getChildren("/zookeeper", false)), List.of("config", "quota"), "children of /zookeeper");
        admin.close();
    }

    private static void permissions() throws Exception {
        for (int missing : new int[] {Perms.READ, Perms.WRITE, Perms.CREATE, Perms.DELETE, Perms.ADMIN}) {
            String node = make(path("without-" + missing));
            make(node + "/child");
            zk.setACL(node, Arrays.asList(new ACL(Perms.ALL & ~missing, Ids.ANYONE_ID_UNSAFE), new ACL(Perms.ALL, new Id("digest", "a:b"))), 0);
            allowed(missing != Perms.READ, () -> zk.getData(node, false, null));
            allowed(missing != Perms.READ, () -> zk.getChildren(node, false));
            allowed(missing != Perms.READ, () -> zk.exists(node, false));
            allowed(missing != Perms.WRITE, () -> zk.setData(node, null, -1));
            allowed(missing != Perms.CREATE, () -> make(node + "/other"));
            allowed(missing != Perms.DELETE, () -> zk.delete(node + "/child", -1));
            zk.getACL(node, new Stat()); // READ or ADMIN is enough
            allowed(missing != Perms.ADMIN, () -> zk.setACL(node, OPEN, -1));
        }
    }

    private static void allowed(boolean isAllowed, Harness.Action action) throws Exception {
        if (isAllowed) {
            action.run();
        } else {
            Harness.fails(Code.NOAUTH, action);
        }
    }

    private static void credentials() throws Exception {
        Harness.Events session = new Harness.Events();
        ZooKeeper client = new ZooKeeper(Harness.PROXY, 10_000, session);
        session.connected.await(20, TimeUnit.SECONDS);
        client.addAuthInfo("digest", "kim:1".getBytes());
        client.addAuthInfo("digest", "lee:2".getBytes());
        client.create(path("both"), null, Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        List<String> owners = new ArrayList<>();
        client.getACL(path("both"), new Stat()).forEach(each -> owners.add(each.getId().getId().split(":")[0]));
        Harness.equal(Harness.sorted(owners), List.of("kim", "lee"), "owners");
        session.queue.clear();
        Harness.control("cut");
        Harness.eventually("connected again", () -> session.saw(KeeperState.SyncConnected));
        client.setData(path("both"), null, 0);
        List<String> known = new ArrayList<>();
        client.whoAmI().forEach(each -> known.add(each.getAuthScheme() + " " + each.getUser()));
        Harness.equal(Harness.sorted(known), List.of("digest kim", "digest lee", "ip 127.0.0.1"), "who am I");
        Harness.fails(Code.NOAUTH, () -> zk.getData(path("both"), false, null));
        client.close();
    }

    private static void failedAuthentication() throws Exception {
        Harness.Events session = new Harness.Events();
        ZooKeeper client = new ZooKeeper(Harness.SERVERS, 10_000, session);
        session.connected.await(20, TimeUnit.SECONDS);
        client.addAuthInfo("nothing", new byte[0]);
        Harness.eventually("authentication fails", () -> session.saw(KeeperState.AuthFailed));
        Harness.fails(Code.AUTHFAILED, () -> client.exists("/", false));
        client.close();
    }

    private static void sessionTaken() throws Exception {
        Harness.Events first = new Harness.Events();
        ZooKeeper owner = new ZooKeeper(Harness.SERVERS, 10_000, first);
        first.connected.await(20, TimeUnit.SECONDS);
        owner.create(path("taken"), null, OPEN, CreateMode.EPHEMERAL);
        Harness.Events second = new Harness.Events();
        ZooKeeper taker = new ZooKeeper(Harness.SERVERS, 10_000, second, owner.getSessionId(), owner.getSessionPasswd());
        second.connected.await(20, TimeUnit.SECONDS);
        Harness.eventually("the first is disconnected", () -> first.saw(KeeperState.Disconnected));
        taker.close();
        Harness.eventually("the session is over for the first", () -> first.saw(KeeperState.Expired) || first.saw(KeeperState.Closed));
        Harness.equal(zk.exists(path("taken"), false), null, "ephemeral");
        owner.close();
    }

    private static void largeData() throws Exception {
        ZooKeeper client = Harness.connect(Harness.SERVERS, 10_000);
        byte[] large = new byte[0xfffff - 200];
        Arrays.fill(large, (byte) 7);
        client.create(path("large"), large, OPEN, CreateMode.PERSISTENT);
        Harness.equal(Arrays.equals(client.getData(path("large"), false, null), large), true, "data");
        try { // ZooKeeper closes the connection; an error of only that call is accepted too
            client.setData(path("large"), new byte[0xfffff + 1], -1);
            throw new AssertionError("data above the limit was accepted");
        } catch (KeeperException error) {
            Harness.equal(List.of(Code.CONNECTIONLOSS, Code.MARSHALLINGERROR, Code.BADARGUMENTS).contains(error.code()), true, "a refusal: " + error.code());
        }
        Harness.eventually("the session goes on", () -> {
            try {
                return client.exists(path("large"), false).getVersion() == 0;
            } catch (KeeperException.ConnectionLossException error) {
                return false;
            }
        });
        client.close();
    }

    private static void trees() throws Exception {
        String top = make(path("tree"));
        for (String name : List.of("a", "a/b", "a/b/c", "d")) {
            make(top + "/" + name);
        }
        Harness.equal(ZKUtil.listSubTreeBFS(zk, top).size(), 5, "znodes");
        Harness.equal(zk.getAllChildrenNumber(top), 4, "descendants");
        Harness.equal(ZKUtil.deleteRecursive(zk, top, 10), true, "deleted");
        Harness.equal(zk.exists(top, false), null, "exists");
    }

    private FeatureChecks() {
    }
}
