import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.api.transaction.OperationType;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.data.Stat;

/** The requests of the framework below the recipes. */
final class FrameworkChecks {
    static void register() {
        Harness.check("Curator transactions commit as a whole or change nothing", FrameworkChecks::transactions);
        Harness.check("creates with protection, missing parents, containers and TTL are served", FrameworkChecks::creates);
        Harness.check("orSetData, idempotent and guaranteed operations work", FrameworkChecks::lenientOperations);
        Harness.check("operations in the background answer in order", FrameworkChecks::background);
        Harness.check("paths are below the namespace", FrameworkChecks::namespace);
        Harness.check("authorization and ACLs protect what a client creates", FrameworkChecks::acls);
        Harness.check("watchers are added and removed through the framework", FrameworkChecks::watchers);
        Harness.check("the configuration can be read and not changed", FrameworkChecks::configuration);
    }

    private static String path(String name) {
        return Harness.ROOT + "/framework/" + name;
    }

    private static void transactions() throws Exception {
        CuratorFramework client = Sessions.open();
        client.createContainers(path("tx"));
        List<CuratorTransactionResult> results = client.transaction().forOperations(
            client.transactionOp().create().withMode(CreateMode.PERSISTENT).forPath(path("tx/a"), "1".getBytes()),
            client.transactionOp().check().withVersion(0).forPath(path("tx/a")),
            client.transactionOp().setData().withVersion(0).forPath(path("tx/a"), "22".getBytes()),
            client.transactionOp().create().withTtl(60_000).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath(path("tx/ttl")),
            client.transactionOp().create().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(path("tx/s-")),
            client.transactionOp().delete().forPath(path("tx/ttl")));
        Harness.equal(results.get(2).getType(), OperationType.SET_DATA, "type");
        Harness.equal(List.of(results.get(2).getResultStat().getVersion(), results.get(2).getResultStat().getDataLength()), List.of(1, 2), "Stat of setData");
        Harness.equal(results.get(4).getResultPath(), path("tx/s-0000000002"), "sequential");
        try {
            client.transaction().forOperations(
                client.transactionOp().delete().forPath(path("tx/a")),
                client.transactionOp().check().withVersion(7).forPath(path("tx")));
            throw new AssertionError("the transaction succeeded");
        } catch (KeeperException.BadVersionException error) {
            Harness.equal(error.getResults().size(), 2, "results");
        }
        Harness.equal(new String(client.getData().forPath(path("tx/a"))), "22", "data");
        client.close();
    }

    private static void creates() throws Exception {
        CuratorFramework client = Sessions.open();
        String made = client.create().creatingParentContainersIfNeeded().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(path("deep/er/n-"));
        Harness.equal(made.matches(path("deep/er/_c_[0-9a-f-]{36}-n-0000000000")), true, "protected name " + made);
        Stat stat = new Stat();
        client.create().withTtl(700).storingStatIn(stat).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath(path("deep/ttl"), "x".getBytes());
        Harness.equal(stat.getDataLength(), 1, "data length");
        String sequential = client.create().withTtl(700).withMode(CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL).forPath(path("deep/ttl-"));
        Harness.equal(sequential, path("deep/ttl-0000000002"), "sequential with TTL");
        client.delete().forPath(made);
        Harness.eventually("both TTL znodes go, then the containers", () -> client.checkExists().forPath(path("deep")) == null);
        client.close();
    }

    private static void lenientOperations() throws Exception {
        CuratorFramework client = Sessions.open();
        client.create().orSetData().creatingParentsIfNeeded().forPath(path("lenient"), "1".getBytes());
        client.create().orSetData().creatingParentsIfNeeded().forPath(path("lenient"), "2".getBytes());
        Harness.equal(new String(client.getData().forPath(path("lenient"))), "2", "data");
        client.create().idempotent().forPath(path("lenient/i"), "x".getBytes());
        client.create().idempotent().forPath(path("lenient/i"), "x".getBytes());
        client.setData().idempotent().withVersion(0).forPath(path("lenient/i"), "y".getBytes());
        client.setData().idempotent().withVersion(0).forPath(path("lenient/i"), "y".getBytes());
        client.delete().guaranteed().deletingChildrenIfNeeded().forPath(path("lenient"));
        client.delete().quietly().forPath(path("lenient"));
        Harness.equal(client.checkExists().forPath(path("lenient")), null, "exists");
        client.close();
    }

    private static void background() throws Exception {
        CuratorFramework client = Sessions.open();
        client.createContainers(path("background"));
        BlockingQueue<String> answers = new LinkedBlockingQueue<>();
        for (int index = 0; index < 100; index++) {
            client.create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).inBackground((each, event) -> answers.add(event.getName())).forPath(path("background/n"));
        }
        client.sync().inBackground((each, event) -> answers.add("sync " + event.getResultCode())).forPath(path("background"));
        for (int index = 0; index < 100; index++) {
            Harness.equal(answers.poll(10, TimeUnit.SECONDS), path(String.format("background/n%010d", index)), "name");
        }
        Harness.equal(answers.poll(10, TimeUnit.SECONDS), "sync 0", "after all creates");
        client.close();
    }

    private static void namespace() throws Exception {
        CuratorFramework client = Sessions.open();
        CuratorFramework inside = client.usingNamespace(path("space").substring(1));
        inside.create().creatingParentsIfNeeded().forPath("/a/b", "x".getBytes());
        Harness.equal(new String(client.getData().forPath(path("space/a/b"))), "x", "data");
        Harness.equal(inside.getChildren().forPath("/a"), List.of("b"), "children");
        client.close();
    }

    private static void acls() throws Exception {
        CuratorFramework owner = CuratorFrameworkFactory.builder().connectString(Harness.SERVERS).sessionTimeoutMs(Sessions.TIMEOUT_MS)
            .retryPolicy(new RetryNTimes(10, 100)).authorization("digest", "gina:pw".getBytes()).build();
        owner.start();
        CuratorFramework another = Sessions.open();
        owner.create().creatingParentsIfNeeded().withACL(Ids.CREATOR_ALL_ACL).forPath(path("acl"), "x".getBytes());
        Harness.fails(Code.NOAUTH, () -> another.getData().forPath(path("acl")));
        Harness.equal(owner.getACL().forPath(path("acl")).get(0).getId().getScheme(), "digest", "scheme");
        owner.setACL().withVersion(0).withACL(Ids.READ_ACL_UNSAFE).forPath(path("acl"));
        Harness.equal(new String(another.getData().forPath(path("acl"))), "x", "data");
        Harness.fails(Code.NOAUTH, () -> another.setData().forPath(path("acl"), new byte[0]));
        owner.close();
        another.close();
    }

    private static void watchers() throws Exception {
        CuratorFramework client = Sessions.open();
        client.createContainers(path("watchers"));
        Harness.Events events = new Harness.Events();
        client.watchers().add().withMode(AddWatchMode.PERSISTENT_RECURSIVE).usingWatcher(events).forPath(path("watchers"));
        client.create().forPath(path("watchers/a"));
        Harness.equal(events.next(), "NodeCreated " + path("watchers/a"), "event");
        client.watchers().remove(events).forPath(path("watchers"));
        Harness.equal(events.next(), "PersistentWatchRemoved " + path("watchers"), "event of the removal");
        client.create().forPath(path("watchers/b"));
        client.sync().forPath(path("watchers"));
        client.checkExists().forPath(path("watchers"));
        Harness.equal(events.queue.size(), 0, "events after the removal");
        client.close();
    }

    private static void configuration() throws Exception {
        CuratorFramework client = Sessions.open();
        Harness.equal(new String(client.getConfig().forEnsemble()), "", "configuration of one server alone");
        Harness.fails(Code.RECONFIGDISABLED, () -> client.reconfig().leaving("1").forEnsemble());
        client.close();
    }

    private FrameworkChecks() {
    }
}
