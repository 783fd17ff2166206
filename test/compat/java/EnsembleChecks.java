import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/** Checks of an ensemble with the stock Java client. */
final class EnsembleChecks {
    private static final String[] HOSTS = Harness.SERVERS.split(",");

    static void register() {
        Harness.check("what is written on one server is read on each other server after sync", EnsembleChecks::readElsewhere);
        Harness.check("a session moves between servers with its ephemerals", EnsembleChecks::move);
        Harness.check("watches of every kind are set again when the one server a client knows dies by kill -9 and returns", EnsembleChecks::watchesAfterRestart);
        Harness.check("a client goes on when its server, each in turn and the leader too, dies by kill -9 and returns", EnsembleChecks::killEach);
        if (!"zookeeper".equals(System.getenv("ZK_TARGET"))) { // which closes the connections of all clients
            Harness.check("clients of the servers that survive notice nothing when the leader dies by kill -9 with many writes of each under way", EnsembleChecks::survivorsNoticeNothing);
        }
    }

    private static void sync(ZooKeeper client, String path) throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        client.sync(path, (code, name, context) -> done.countDown(), null);
        Harness.equal(done.await(10, TimeUnit.SECONDS), true, "sync calls back");
    }

    private static void readElsewhere() throws Exception {
        ZooKeeper[] clients = new ZooKeeper[HOSTS.length];
        for (int index = 0; index < HOSTS.length; index++) {
            clients[index] = Harness.connect(HOSTS[index], 10_000);
        }
        clients[0].create(Harness.ROOT, null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        for (int round = 0; round < 30; round++) {
            ZooKeeper writer = clients[round % clients.length];
            sync(writer, Harness.ROOT);
            Stat written = writer.setData(Harness.ROOT, Integer.toString(round).getBytes(), round);
            for (ZooKeeper reader : clients) {
                sync(reader, Harness.ROOT);
                Stat read = new Stat();
                Harness.equal(new String(reader.getData(Harness.ROOT, false, read)), Integer.toString(round), "data");
                Harness.equal(read, written, "Stat");
            }
        }
        for (ZooKeeper client : clients) {
            client.close();
        }
    }

    private static void move() throws Exception {
        ZooKeeper first = Harness.connect(Harness.PROXY, 10_000);
        String path = Harness.ROOT + "/moving";
        first.create(path, null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        Harness.control("block");
        Harness.Events events = new Harness.Events();
        ZooKeeper second = new ZooKeeper(HOSTS[1], 10_000, events, first.getSessionId(), first.getSessionPasswd());
        events.connected.await(20, TimeUnit.SECONDS);
        sync(second, path);
        Harness.equal(second.exists(path, false).getEphemeralOwner(), first.getSessionId(), "owner");
        second.setData(path, null, 0);
        second.close();
        ZooKeeper other = Harness.connect(HOSTS[2], 10_000);
        sync(other, path);
        Harness.equal(other.exists(path, false), null, "ephemeral after close");
        other.close();
        Harness.control("unblock");
        first.close();
    }

    private static void watchesAfterRestart() throws Exception {
        Harness.control("wait");
        int leader = Integer.parseInt(Harness.ask("leader"));
        int victim = leader % 3 + 1; // a follower, so that the others continue without an election
        ZooKeeper other = Harness.connect(HOSTS[leader - 1], 15_000);
        Harness.Events session = new Harness.Events();
        ZooKeeper client = new ZooKeeper(HOSTS[victim - 1], 20_000, session);
        session.connected.await(20, TimeUnit.SECONDS);
        String top = other.create(Harness.ROOT + "/restart", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        other.create(top + "/data", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        sync(client, top);
        Harness.Events[] events = {new Harness.Events(), new Harness.Events(), new Harness.Events(), new Harness.Events(), new Harness.Events()};
        client.getData(top + "/data", events[0], null);
        client.getChildren(top, events[1]);
        client.exists(top + "/late", events[2]);
        client.addWatch(top + "/data", events[3], AddWatchMode.PERSISTENT);
        client.addWatch(top, events[4], AddWatchMode.PERSISTENT_RECURSIVE);
        client.create(top + "-e", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        long id = client.getSessionId();
        Harness.control("kill/" + victim);
        other.setData(top + "/data", null, -1);
        other.create(top + "/late", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        Harness.control("start/" + victim);
        Harness.equal(events[0].next(), "NodeDataChanged " + top + "/data", "data watch, missed change");
        Harness.equal(events[1].next(), "NodeChildrenChanged " + top, "child watch, missed change");
        Harness.equal(events[2].next(), "NodeCreated " + top + "/late", "exists watch, missed change");
        other.setData(top + "/data", null, -1);
        // These two watchers also get the three events above: the client passes an event to all watchers of its path.
        Harness.eventually("persistent watch, later change", () -> last(events[3]).equals("NodeDataChanged " + top + "/data"));
        other.create(top + "/data/below", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        Harness.eventually("recursive watch, later change", () -> last(events[4]).equals("NodeCreated " + top + "/data/below"));
        Harness.equal(List.of(client.getSessionId(), client.exists(top + "-e", false).getEphemeralOwner()), List.of(id, id), "session and owner");
        client.close();
        other.close();
    }

    private static String last(Harness.Events events) {
        String last = "";
        for (WatchedEvent event : events.queue) {
            last = event.getType() + " " + event.getPath();
        }
        return last;
    }

    private static void killEach() throws Exception {
        Harness.control("wait");
        ZooKeeper client = Harness.connect(Harness.SERVERS, 15_000);
        long session = client.getSessionId();
        client.create(Harness.ROOT + "/keeper", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        int leader = Integer.parseInt(Harness.ask("leader"));
        for (int victim : List.of(leader, leader % 3 + 1, (leader + 1) % 3 + 1)) {
            Harness.control("kill/" + victim);
            String path = Harness.ROOT + "/killed-" + victim;
            Harness.eventually("a write goes through", () -> createUnlessThere(client, path));
            Harness.control("start/" + victim);
            ZooKeeper returned = Harness.connect(HOSTS[victim - 1], 10_000);
            sync(returned, path);
            Harness.equal(new String(returned.getData(path, false, null)), "v", "data on the returned server");
            returned.close();
        }
        Harness.equal(client.getSessionId(), session, "session");
        Harness.equal(client.exists(Harness.ROOT + "/keeper", false).getEphemeralOwner(), session, "owner of the ephemeral");
        client.close();
    }

    private static void survivorsNoticeNothing() throws Exception {
        Harness.control("wait");
        for (int round = 0; round < 5; round++) {
            int leader = Integer.parseInt(Harness.ask("leader"));
            List<Survivor> survivors = new ArrayList<>();
            for (int each : List.of(leader % 3 + 1, (leader + 1) % 3 + 1)) {
                survivors.add(new Survivor(HOSTS[each - 1], Harness.ROOT + "/survivor-" + round + "-" + each));
            }
            for (Survivor survivor : survivors) {
                survivor.begin();
            }
            Harness.control("kill/" + leader);
            for (Survivor survivor : survivors) {
                survivor.finish();
            }
            Harness.control("start/" + leader);
            Harness.control("wait");
        }
    }

    /** A client of one server, with an ephemeral, watches of every kind, and many writes under way. */
    private static final class Survivor {
        private static final int WRITES = 2000; // so many that most are under way when the leader is dead
        private final Harness.Events session = new Harness.Events();
        private final Harness.Events once = new Harness.Events();
        private final Harness.Events recursive = new Harness.Events();
        private final BlockingQueue<String> outcomes = new LinkedBlockingQueue<>();
        private final ZooKeeper client;
        private final String path;

        Survivor(String host, String path) throws Exception {
            client = new ZooKeeper(host, 10_000, session);
            session.connected.await(20, TimeUnit.SECONDS);
            this.path = client.create(path, null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            client.create(path + "/watched", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            client.create(path + "/held", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
            client.getData(path + "/watched", once, null);
            client.addWatch(path + "/watched", recursive, AddWatchMode.PERSISTENT_RECURSIVE);
        }

        void begin() {
            for (int i = 0; i < WRITES; i++) {
                client.setData(path, null, i, (code, name, context, stat) -> outcomes.add(code + " " + (stat == null ? "" : stat.getVersion())), null);
            }
        }

        void finish() throws Exception {
            for (int i = 1; i <= WRITES; i++) {
                Harness.equal(outcomes.poll(20, TimeUnit.SECONDS), "0 " + i, "outcome of a write");
            }
            Harness.equal(once.queue.size() + recursive.queue.size(), 0, "events before the change");
            client.setData(path + "/watched", null, 0);
            Harness.equal(once.next(), "NodeDataChanged " + path + "/watched", "one-shot watch");
            Harness.equal(recursive.next(), "NodeDataChanged " + path + "/watched", "recursive watch");
            Harness.equal(client.exists(path + "/held", false).getEphemeralOwner(), client.getSessionId(), "owner of the ephemeral");
            Harness.equal(session.queue.size(), 1, "events of the connection, with that of its beginning");
            client.close();
        }
    }

    private static boolean createUnlessThere(ZooKeeper client, String path) throws Exception {
        try {
            client.create(path, "v".getBytes(), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            return true;
        } catch (KeeperException.NodeExistsException error) {
            return true; // an earlier attempt took effect
        } catch (KeeperException.ConnectionLossException error) {
            return false;
        }
    }

    private EnsembleChecks() {
    }
}
