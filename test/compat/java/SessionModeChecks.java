import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;

/** Local sessions and the read-only mode, with the stock Java client. */
final class SessionModeChecks {
    private static final String[] HOSTS = Harness.SERVERS.split(",");

    static void register() {
        Harness.check("a local session can write, and no other server knows it", SessionModeChecks::local);
        Harness.check("a local session becomes global with its first ephemeral, and moves with it", SessionModeChecks::upgrade);
        Harness.check("an ephemeral inside a multi makes its session global", SessionModeChecks::upgradeInMulti);
        Harness.check("a server that has lost the quorum answers reads, refuses writes, and accepts them when there is a leader again",
            SessionModeChecks::readOnly);
    }

    private static void local() throws Exception {
        ZooKeeper client = Harness.connect(HOSTS[0], 10_000);
        client.create(Harness.ROOT, null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        client.setData(Harness.ROOT, "x".getBytes(), 0);
        Harness.Events events = new Harness.Events();
        ZooKeeper elsewhere = new ZooKeeper(HOSTS[1], 10_000, events, client.getSessionId(), client.getSessionPasswd());
        Harness.eventually("the session is over elsewhere", () -> events.saw(KeeperState.Expired));
        Harness.equal(new String(client.getData(Harness.ROOT, false, null)), "x", "data");
        elsewhere.close();
        client.close();
    }

    private static void upgrade() throws Exception {
        ZooKeeper first = Harness.connect(HOSTS[1], 10_000);
        String path = Harness.ROOT + "/upgraded";
        first.create(path, null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        Harness.Events events = new Harness.Events();
        ZooKeeper second = new ZooKeeper(HOSTS[2], 10_000, events, first.getSessionId(), first.getSessionPasswd());
        Harness.equal(events.connected.await(20, TimeUnit.SECONDS), true, "connected elsewhere");
        second.setData(path, "moved".getBytes(), 0);
        Harness.equal(second.exists(path, false).getEphemeralOwner(), first.getSessionId(), "owner");
        second.close();
        ZooKeeper other = Harness.connect(HOSTS[2], 10_000);
        Harness.equal(other.exists(path, false), null, "ephemeral after close");
        other.close();
        first.close();
    }

    private static void upgradeInMulti() throws Exception {
        ZooKeeper client = Harness.connect(HOSTS[0], 10_000);
        String path = Harness.ROOT + "/in-multi";
        client.transaction()
            .create(Harness.ROOT + "/plain", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT)
            .create(path, null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL)
            .commit();
        Harness.equal(client.exists(path, false).getEphemeralOwner(), client.getSessionId(), "owner");
        client.close();
    }

    private static void readOnly() throws Exception {
        Harness.control("wait");
        String path = Harness.ROOT + "/kept";
        for (String host : HOSTS) {
            ZooKeeper writer = Harness.connect(host, 10_000);
            if (writer.exists(path, false) == null) {
                writer.create(path, "kept".getBytes(), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            }
            writer.close();
        }
        Harness.control("kill/2");
        Harness.control("kill/3");
        Harness.Events events = new Harness.Events();
        ZooKeeper client = new ZooKeeper(HOSTS[0], 10_000, events, true);
        Harness.eventually("connected read-only", () -> events.saw(KeeperState.ConnectedReadOnly));
        Harness.equal(client.getState(), ZooKeeper.States.CONNECTEDREADONLY, "state");
        Harness.equal(new String(client.getData(path, true, null)), "kept", "data");
        Harness.equal(client.getChildren(Harness.ROOT, false).contains("kept"), true, "child");
        Harness.fails(KeeperException.Code.NOTREADONLY, () -> client.setData(path, null, -1));
        Harness.fails(KeeperException.Code.NOTREADONLY, () -> client.delete(path, -1));
        Harness.fails(KeeperException.Code.NOTREADONLY,
            () -> client.create(Harness.ROOT + "/no", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
        Harness.fails(KeeperException.Code.NONODE, () -> client.getData(Harness.ROOT + "/no", false, null));
        Harness.control("start/2");
        Harness.eventually("written when there is a leader again", () -> written(client, path));
        Harness.equal(client.getState(), ZooKeeper.States.CONNECTED, "state");
        Harness.equal(new String(client.getData(path, false, null)), "again", "data");
        client.close();
        Harness.control("start/3");
    }

    private static boolean written(ZooKeeper client, String path) throws Exception {
        try {
            client.setData(path, "again".getBytes(), -1);
            return true;
        } catch (KeeperException.NotReadOnlyException | KeeperException.ConnectionLossException
            | KeeperException.SessionExpiredException error) {
            return false;
        }
    }

    private SessionModeChecks() {
    }
}
