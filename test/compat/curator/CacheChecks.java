import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;
import org.apache.curator.x.discovery.details.ServiceCacheListener;
import org.apache.zookeeper.CreateMode;

/** Recipes that follow the tree or maintain a znode: caches, persistent nodes, group members, service discovery. */
final class CacheChecks {
    static void register() {
        Harness.check("CuratorCache follows creates, changes and deletes of a subtree", CacheChecks::cache);
        Harness.check("CuratorCache catches up after a lost connection", CacheChecks::cacheAfterLoss);
        Harness.check("the older caches, PathChildrenCache, NodeCache and TreeCache, follow too", CacheChecks::olderCaches);
        Harness.check("PersistentWatcher, recursive or not, gets every change", CacheChecks::persistentWatcher);
        Harness.check("PersistentNode is created again after its deletion and after the loss of its session", CacheChecks::persistentNode);
        Harness.check("PersistentTtlNode exists while it is touched and is deleted after its owner has ended", CacheChecks::ttlNode);
        Harness.check("GroupMember lists the members", CacheChecks::group);
        Harness.check("service discovery registers, finds and forgets instances", CacheChecks::discovery);
    }

    private static String path(String name) {
        return Harness.ROOT + "/caches/" + name;
    }

    private static void make(CuratorFramework client, String node, String data) throws Exception {
        client.create().creatingParentsIfNeeded().forPath(node, data.getBytes());
    }

    private static CuratorCache follow(CuratorFramework client, String node, BlockingQueue<String> heard) throws Exception {
        CuratorCache cache = CuratorCache.build(client, node);
        CountDownLatch initialized = new CountDownLatch(1);
        cache.listenable().addListener(CuratorCacheListener.builder()
            .forCreates(each -> heard.add("created " + each.getPath() + " " + new String(each.getData())))
            .forChanges((before, after) -> heard.add("changed " + after.getPath() + " " + new String(after.getData())))
            .forDeletes(each -> heard.add("deleted " + each.getPath()))
            .forInitialized(initialized::countDown).build());
        cache.start();
        Harness.equal(initialized.await(20, TimeUnit.SECONDS), true, "initialized");
        return cache;
    }

    private static void hears(BlockingQueue<String> heard, String wanted) throws Exception {
        Harness.equal(heard.poll(15, TimeUnit.SECONDS), wanted, "heard");
    }

    private static void cache() throws Exception {
        CuratorFramework client = Sessions.open();
        CuratorFramework writer = Sessions.open();
        make(writer, path("cache/early"), "1");
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        CuratorCache cache = follow(client, path("cache"), heard);
        Harness.eventually("existing znodes are known", () -> cache.size() == 2);
        heard.clear();
        make(writer, path("cache/new"), "2");
        hears(heard, "created " + path("cache/new") + " 2");
        make(writer, path("cache/new/below"), "3");
        hears(heard, "created " + path("cache/new/below") + " 3");
        writer.setData().forPath(path("cache/early"), "4".getBytes());
        hears(heard, "changed " + path("cache/early") + " 4");
        writer.delete().forPath(path("cache/new/below"));
        hears(heard, "deleted " + path("cache/new/below"));
        Harness.equal(new String(cache.get(path("cache/early")).orElseThrow().getData()), "4", "cached data");
        cache.close();
        client.close();
        writer.close();
    }

    private static void cacheAfterLoss() throws Exception {
        CuratorFramework client = Sessions.open(Harness.PROXY, Sessions.TIMEOUT_MS);
        CuratorFramework writer = Sessions.open();
        make(writer, path("loss/kept"), "1");
        make(writer, path("loss/gone"), "1");
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        CuratorCache cache = follow(client, path("loss"), heard);
        Harness.eventually("existing znodes are known", () -> cache.size() == 3);
        heard.clear();
        Harness.control("block");
        writer.setData().forPath(path("loss/kept"), "2".getBytes());
        writer.delete().forPath(path("loss/gone"));
        make(writer, path("loss/fresh"), "3");
        Harness.control("unblock");
        Harness.eventually("three changes are heard", () -> heard.size() >= 3);
        Harness.equal(Harness.sorted(List.copyOf(heard)), List.of("changed " + path("loss/kept") + " 2", "created " + path("loss/fresh") + " 3", "deleted " + path("loss/gone")), "heard");
        cache.close();
        client.close();
        writer.close();
    }

    @SuppressWarnings("deprecation") // production systems still use them
    private static void olderCaches() throws Exception {
        CuratorFramework client = Sessions.open();
        make(client, path("older/a"), "1");
        var children = new org.apache.curator.framework.recipes.cache.PathChildrenCache(client, path("older"), true);
        var node = new org.apache.curator.framework.recipes.cache.NodeCache(client, path("older/a"));
        var tree = new org.apache.curator.framework.recipes.cache.TreeCache(client, path("older"));
        children.start(org.apache.curator.framework.recipes.cache.PathChildrenCache.StartMode.BUILD_INITIAL_CACHE);
        node.start(true);
        tree.start();
        client.setData().forPath(path("older/a"), "2".getBytes());
        make(client, path("older/b/c"), "3");
        Harness.eventually("PathChildrenCache follows", () -> children.getCurrentData().size() == 2 && new String(children.getCurrentData(path("older/a")).getData()).equals("2"));
        Harness.eventually("NodeCache follows", () -> new String(node.getCurrentData().getData()).equals("2"));
        Harness.eventually("TreeCache follows", () -> tree.getCurrentData(path("older/b/c")) != null && new String(tree.getCurrentData(path("older/a")).getData()).equals("2"));
        client.delete().deletingChildrenIfNeeded().forPath(path("older/b"));
        Harness.eventually("TreeCache forgets", () -> tree.getCurrentData(path("older/b")) == null);
        Harness.eventually("PathChildrenCache forgets", () -> children.getCurrentData().size() == 1);
        children.close();
        node.close();
        tree.close();
        client.close();
    }

    private static void persistentWatcher() throws Exception {
        CuratorFramework client = Sessions.open();
        make(client, path("watched"), "x");
        BlockingQueue<String> below = new LinkedBlockingQueue<>();
        BlockingQueue<String> here = new LinkedBlockingQueue<>();
        PersistentWatcher recursive = new PersistentWatcher(client, path("watched"), true);
        PersistentWatcher flat = new PersistentWatcher(client, path("watched"), false);
        recursive.getListenable().addListener(event -> below.add(event.getType() + " " + event.getPath()));
        flat.getListenable().addListener(event -> here.add(event.getType() + " " + event.getPath()));
        recursive.start();
        Harness.eventually("the recursive watch is set", () -> {
            client.setData().forPath(path("watched"));
            return below.poll(200, TimeUnit.MILLISECONDS) != null;
        });
        make(client, path("watched/a/b"), "x");
        Harness.eventually("heard below", () -> below.contains("NodeCreated " + path("watched/a/b")));
        recursive.close();
        flat.start();
        Harness.eventually("the flat watch is set", () -> {
            client.setData().forPath(path("watched"));
            return here.poll(200, TimeUnit.MILLISECONDS) != null;
        });
        make(client, path("watched/c"), "x");
        Harness.eventually("the event of the child", () -> here.contains("NodeChildrenChanged " + path("watched")));
        flat.close();
        client.close();
    }

    private static void persistentNode() throws Exception {
        CuratorFramework client = Sessions.open(Harness.PROXY, 3000);
        CuratorFramework other = Sessions.open();
        make(other, path("nodes"), "");
        PersistentNode node = new PersistentNode(client, CreateMode.EPHEMERAL, false, path("nodes/e"), "mine".getBytes());
        node.start();
        Harness.equal(node.waitForInitialCreate(20, TimeUnit.SECONDS), true, "created");
        long owner = other.checkExists().forPath(path("nodes/e")).getEphemeralOwner();
        Harness.equal(owner, client.getZookeeperClient().getZooKeeper().getSessionId(), "owner");
        other.delete().forPath(path("nodes/e"));
        Harness.eventually("it comes back", () -> other.checkExists().forPath(path("nodes/e")) != null);
        Harness.control("block");
        Harness.eventually("it expires", () -> other.checkExists().forPath(path("nodes/e")) == null);
        Harness.control("unblock");
        Harness.eventually("it comes back with a new session", () -> {
            var stat = other.checkExists().forPath(path("nodes/e"));
            return stat != null && stat.getEphemeralOwner() != owner;
        });
        node.setData("other".getBytes());
        Harness.eventually("its data changes", () -> new String(other.getData().forPath(path("nodes/e"))).equals("other"));
        node.close();
        Harness.equal(other.checkExists().forPath(path("nodes/e")), null, "after close");
        client.close();
        other.close();
    }

    private static void ttlNode() throws Exception {
        CuratorFramework client = Sessions.open();
        CuratorFramework other = Sessions.open();
        PersistentTtlNode node = new PersistentTtlNode(client, path("ttl"), 800, "x".getBytes());
        node.start();
        Harness.equal(node.waitForInitialCreate(20, TimeUnit.SECONDS), true, "created");
        Thread.sleep(3000); // longer than several TTLs and several container checks of the server
        Harness.equal(other.checkExists().forPath(path("ttl")) != null, true, "it exists while it is touched");
        client.close(); // without node.close(): as if its process had died
        Harness.eventually("it goes", () -> other.checkExists().forPath(path("ttl")) == null);
        other.close();
    }

    private static void group() throws Exception {
        List<CuratorFramework> clients = Sessions.open(3);
        List<GroupMember> members = new ArrayList<>();
        for (CuratorFramework client : clients) {
            GroupMember member = new GroupMember(client, path("group"), "member-" + members.size(), ("data-" + members.size()).getBytes());
            member.start();
            members.add(member);
        }
        Harness.eventually("three take part", () -> members.get(0).getCurrentMembers().size() == 3);
        Map<String, byte[]> seen = members.get(1).getCurrentMembers();
        Harness.eventually("data is seen", () -> new String(members.get(1).getCurrentMembers().getOrDefault("member-2", new byte[0])).equals("data-2"));
        clients.get(2).close();
        Harness.eventually("two are left", () -> members.get(0).getCurrentMembers().size() == 2);
        Harness.equal(seen.containsKey("member-1"), true, "a member sees itself");
        members.get(0).close();
        members.get(1).close();
        Sessions.close(clients.subList(0, 2));
    }

    private static ServiceInstance<String> instance(int port) throws Exception {
        return ServiceInstance.<String>builder().name("printer").address("127.0.0.1").port(port).payload("on " + port).build();
    }

    private static ServiceDiscovery<String> discovery(CuratorFramework client, ServiceInstance<String> registered) throws Exception {
        ServiceDiscovery<String> discovery = ServiceDiscoveryBuilder.builder(String.class).client(client).basePath(path("services")).thisInstance(registered).build();
        discovery.start();
        return discovery;
    }

    private static void discovery() throws Exception {
        List<CuratorFramework> clients = Sessions.open(3);
        ServiceDiscovery<String> one = discovery(clients.get(0), instance(9001));
        ServiceDiscovery<String> two = discovery(clients.get(1), instance(9002));
        ServiceDiscovery<String> seeker = discovery(clients.get(2), null);
        ServiceCache<String> cache = seeker.serviceCacheBuilder().name("printer").build();
        CountDownLatch changed = new CountDownLatch(1);
        cache.addListener(new ServiceCacheListener() {
            @Override
            public void cacheChanged() {
                changed.countDown();
            }

            @Override
            public void stateChanged(CuratorFramework client, org.apache.curator.framework.state.ConnectionState state) {
            }
        });
        cache.start();
        Harness.equal(List.copyOf(seeker.queryForNames()), List.of("printer"), "names");
        Harness.equal(seeker.queryForInstances("printer").size(), 2, "instances");
        ServiceProvider<String> provider = seeker.serviceProviderBuilder().serviceName("printer").build();
        provider.start();
        Harness.equal(provider.getInstance().getPayload().startsWith("on 900"), true, "payload");
        clients.get(1).close(); // the process of one instance is gone
        Harness.equal(changed.await(20, TimeUnit.SECONDS), true, "the cache hears");
        Harness.eventually("one is left", () -> cache.getInstances().size() == 1 && provider.getAllInstances().size() == 1);
        provider.close();
        cache.close();
        one.close();
        seeker.close();
        clients.get(0).close();
        clients.get(2).close();
    }

    private CacheChecks() {
    }
}
