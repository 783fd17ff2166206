import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.AppConfigurationEntry.LoginModuleControlFlag;
import javax.security.auth.login.Configuration;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.admin.ZooKeeperAdmin;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;

/** Sends every kind of message of the stock Java client, one after the other. It announces each to the recorder by a name. */
public final class RecordedClient {
    private static final List<ACL> OPEN = Ids.OPEN_ACL_UNSAFE;
    private static ZooKeeperAdmin zk;

    private static void record(String name, Harness.Action action) throws Exception {
        Harness.ask("name/" + name.replace(' ', '+'));
        action.run();
    }

    private static ZooKeeperAdmin connect(Harness.Events events) throws Exception {
        ZooKeeperAdmin client = new ZooKeeperAdmin(Harness.PROXY, 4000, events);
        if (!events.connected.await(20, TimeUnit.SECONDS)) {
            throw new AssertionError("not connected after 20 s");
        }
        return client;
    }

    public static void main(String[] args) throws Exception {
        Harness.Events session = new Harness.Events();
        record("connect", () -> zk = connect(session));
        writes();
        refusals();
        reads();
        multis();
        watches();
        watchesAfterLoss();
        record("close", zk::close);
        unknownClients();
        Harness.ask("done");
        System.exit(0);
    }

    private static void writes() throws Exception {
        record("create", () -> zk.create("/a", "data of a".getBytes(), OPEN, CreateMode.PERSISTENT));
        record("create with null data", () -> zk.create("/a/null", null, OPEN, CreateMode.PERSISTENT));
        record("create with a name outside ASCII", () -> zk.create("/a/\u00e9\u4e2d", "\u00e9".getBytes("UTF-8"), OPEN, CreateMode.PERSISTENT));
        record("create ephemeral sequential", () -> zk.create("/a/e-", new byte[0], OPEN, CreateMode.EPHEMERAL_SEQUENTIAL));
        record("create2", () -> zk.create("/a/two", "2".getBytes(), OPEN, CreateMode.PERSISTENT, new Stat()));
        record("createContainer", () -> zk.create("/a/container", null, OPEN, CreateMode.CONTAINER, new Stat()));
        record("createTTL", () -> zk.create("/a/ttl-", null, OPEN, CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL, new Stat(), 86_400_000));
        record("setData", () -> zk.setData("/a", "other data".getBytes(), 0));
        record("auth", () -> {
            zk.addAuthInfo("digest", "bob:secret".getBytes());
            zk.exists("/a", false);
        });
        record("setACL", () -> zk.setACL("/a/two", Arrays.asList(new ACL(31, Ids.AUTH_IDS), new ACL(1, Ids.ANYONE_ID_UNSAFE)), 0));
        record("delete", () -> zk.delete("/a/null", -1));
        CountDownLatch synced = new CountDownLatch(1);
        record("sync", () -> {
            zk.sync("/a", (code, path, context) -> synced.countDown(), null);
            synced.await();
        });
    }

    private static void refusals() throws Exception {
        record("create of what exists", () -> Harness.fails(Code.NODEEXISTS, () -> zk.create("/a", null, OPEN, CreateMode.PERSISTENT)));
        record("create without parent", () -> Harness.fails(Code.NONODE, () -> zk.create("/no/child", null, OPEN, CreateMode.PERSISTENT)));
        record("create with an invalid ACL", () -> Harness.fails(Code.INVALIDACL, () -> zk.create("/b", null, Arrays.asList(new ACL(31, new Id("ip", "x"))), CreateMode.PERSISTENT)));
        record("setData of a wrong version", () -> Harness.fails(Code.BADVERSION, () -> zk.setData("/a", null, 7)));
        record("delete of a parent", () -> Harness.fails(Code.NOTEMPTY, () -> zk.delete("/a", -1)));
        record("getData of nothing", () -> Harness.fails(Code.NONODE, () -> zk.getData("/no", false, null)));
        record("exists of nothing", () -> zk.exists("/no", false));
        record("reconfig", () -> Harness.fails(Code.RECONFIGDISABLED, () -> zk.reconfigure("server.5=h:1:2;3", "4", null, -1, null)));
    }

    private static void reads() throws Exception {
        record("exists", () -> zk.exists("/a", false));
        record("getData", () -> zk.getData("/a", false, new Stat()));
        record("getData of null data", () -> zk.getData("/a/container", false, new Stat()));
        record("getACL", () -> zk.getACL("/a/two", new Stat()));
        record("getChildren", () -> zk.getChildren("/a", false));
        record("getChildren of a leaf", () -> zk.getChildren("/a/two", false));
        record("getChildren2", () -> zk.getChildren("/a", false, new Stat()));
        record("getEphemerals", () -> zk.getEphemerals("/a"));
        record("getAllChildrenNumber", () -> zk.getAllChildrenNumber("/a"));
        record("whoAmI", () -> zk.whoAmI());
        record("getConfig", () -> zk.getConfig(false, new Stat()));
        record("ping", () -> Thread.sleep(2500));
    }

    private static void multis() throws Exception {
        record("multi", () -> zk.multi(List.of(
            Op.create("/m", "1".getBytes(), OPEN, CreateMode.PERSISTENT),
            Op.check("/m", 0),
            Op.setData("/m", "22".getBytes(), 0),
            Op.create("/m/container", null, OPEN, CreateMode.CONTAINER),
            Op.create("/m/ttl", null, OPEN, CreateMode.PERSISTENT_WITH_TTL, 60_000),
            Op.create("/m/s-", null, OPEN, CreateMode.EPHEMERAL_SEQUENTIAL),
            Op.delete("/m/ttl", -1))));
        record("multi that fails", () -> Harness.fails(Code.BADVERSION, () -> zk.multi(List.of(
            Op.setData("/m", null, -1), Op.check("/m", 99), Op.delete("/m/container", -1)))));
        record("multiRead", () -> zk.multi(List.of(Op.getData("/m"), Op.getData("/no"), Op.getChildren("/m"))));
    }

    private static void watches() throws Exception {
        Harness.Events events = new Harness.Events();
        record("getData with a watch", () -> zk.getData("/m", events, null));
        record("event of a change", () -> {
            zk.setData("/m", null, -1);
            events.next();
        });
        record("getChildren with a watch", () -> zk.getChildren("/m", events));
        record("event of a child", () -> {
            zk.create("/m/child", null, OPEN, CreateMode.PERSISTENT);
            events.next();
        });
        record("exists with a watch", () -> zk.exists("/m/later", events));
        record("event of a create", () -> {
            zk.create("/m/later", null, OPEN, CreateMode.PERSISTENT);
            events.next();
        });
        record("getChildren2 with a watch", () -> zk.getChildren("/m/later", events, new Stat()));
        record("event of a delete", () -> {
            zk.delete("/m/later", -1);
            events.next();
        });
        record("addWatch", () -> zk.addWatch("/m", events, AddWatchMode.PERSISTENT));
        record("addWatch recursive", () -> zk.addWatch("/a", events, AddWatchMode.PERSISTENT_RECURSIVE));
        record("checkWatches", () -> zk.removeWatches("/m", events, WatcherType.Any, false));
        record("removeWatches", () -> zk.removeAllWatches("/a", WatcherType.PersistentRecursive, false));
        record("removeWatches of nothing", () -> Harness.fails(Code.NOWATCHER, () -> zk.removeAllWatches("/a", WatcherType.Data, true)));
    }

    private static void lose(String name) throws Exception {
        Harness.Events session = new Harness.Events();
        zk.register(session);
        record(name, () -> {
            Harness.ask("cut");
            session.connected.await(20, TimeUnit.SECONDS);
            zk.exists("/m", false);
        });
    }

    private static void watchesAfterLoss() throws Exception {
        Harness.Events events = new Harness.Events();
        record("watches of all lists but two", () -> {
            zk.getData("/m", events, null);
            zk.exists("/later", events);
            zk.getChildren("/a", events);
        });
        lose("setWatches");
        record("watches of the other two", () -> {
            zk.addWatch("/m", events, AddWatchMode.PERSISTENT);
            zk.addWatch("/a", events, AddWatchMode.PERSISTENT_RECURSIVE);
        });
        ZooKeeper other = Harness.connect(Harness.SERVERS, 10_000);
        Harness.ask("block");
        other.delete("/m/child", -1);
        other.setData("/m", "meanwhile".getBytes(), -1);
        other.create("/later", null, OPEN, CreateMode.PERSISTENT);
        other.create("/a/late", null, OPEN, CreateMode.PERSISTENT);
        other.close();
        Harness.Events session = new Harness.Events();
        zk.register(session);
        record("setWatches2 and what was missed", () -> {
            Harness.ask("unblock");
            session.connected.await(20, TimeUnit.SECONDS);
            zk.exists("/m", false);
        });
    }

    private static void unknownClients() throws Exception {
        Harness.Events events = new Harness.Events();
        record("connect to an unknown session", () -> {
            ZooKeeper thief = new ZooKeeper(Harness.PROXY, 4000, events, 0x1234567890L, new byte[16]);
            Harness.eventually("expired", () -> events.saw(org.apache.zookeeper.Watcher.Event.KeeperState.Expired));
            thief.close();
        });
        Harness.Events failed = new Harness.Events();
        record("auth of a wrong scheme", () -> {
            ZooKeeperAdmin client = connect(new Harness.Events());
            client.register(failed);
            client.addAuthInfo("nothing", "x".getBytes());
            Harness.eventually("failed", () -> failed.saw(org.apache.zookeeper.Watcher.Event.KeeperState.AuthFailed));
            client.close();
        });
        System.setProperty("zookeeper.fips-mode", "false"); // in that mode the client has no DIGEST-MD5
        Configuration.setConfiguration(new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                HashMap<String, String> options = new HashMap<>();
                options.put("username", "bob");
                options.put("password", "secret");
                return new AppConfigurationEntry[] {
                    new AppConfigurationEntry("org.apache.zookeeper.server.auth.DigestLoginModule", LoginModuleControlFlag.REQUIRED, options)};
            }
        });
        record("sasl without a login on the server", () -> {
            ZooKeeper client = new ZooKeeper(Harness.PROXY, 4000, new Harness.Events());
            Thread.sleep(1500);
            client.close();
        });
    }

    private RecordedClient() {
    }
}
