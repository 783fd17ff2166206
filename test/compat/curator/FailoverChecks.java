import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.RetryNTimes;

/** Recipes in use while each server is killed and started again, the leader first. */
final class FailoverChecks {
    private static final int SESSION_TIMEOUT_MS = 15_000;

    static void register() {
        Harness.check("locks, counters, latches and caches hold while each server in turn, the leader too, dies by kill -9 and returns", FailoverChecks::killEach);
    }

    private static List<CuratorFramework> clients() throws Exception {
        List<CuratorFramework> clients = new ArrayList<>();
        for (int index = 0; index < 3; index++) {
            clients.add(Sessions.open(Harness.SERVERS, SESSION_TIMEOUT_MS));
        }
        return clients;
    }

    private static void killEach() throws Exception {
        List<CuratorFramework> clients = clients();
        CuratorFramework watcher = Sessions.open(Harness.SERVERS, SESSION_TIMEOUT_MS);
        List<LeaderLatch> latches = new ArrayList<>();
        for (CuratorFramework client : clients) {
            LeaderLatch latch = new LeaderLatch(client, Harness.ROOT + "/latch");
            latch.start();
            latches.add(latch);
        }
        CuratorCache cache = CuratorCache.build(watcher, Harness.ROOT + "/seen");
        cache.start();
        AtomicBoolean isOver = new AtomicBoolean();
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger tooMany = new AtomicInteger();
        AtomicInteger entered = new AtomicInteger();
        AtomicInteger tried = new AtomicInteger();
        AtomicInteger acknowledged = new AtomicInteger();
        Thread work = new Thread(() -> {
            try {
                Sessions.together(clients, client -> {
                    InterProcessMutex lock = new InterProcessMutex(client, Harness.ROOT + "/lock");
                    DistributedAtomicLong counter = new DistributedAtomicLong(client, Harness.ROOT + "/counter", new RetryNTimes(100, 10));
                    while (!isOver.get()) {
                        lock.acquire();
                        if (inside.incrementAndGet() != 1) {
                            tooMany.incrementAndGet();
                        }
                        entered.incrementAndGet();
                        inside.decrementAndGet();
                        lock.release();
                        tried.incrementAndGet();
                        AtomicValue<Long> added = counter.increment();
                        if (added.succeeded()) {
                            acknowledged.incrementAndGet();
                        }
                    }
                });
            } catch (Exception error) {
                error.printStackTrace();
                tooMany.set(-1);
            }
        });
        work.start();
        Harness.control("wait");
        int leader = Integer.parseInt(Harness.ask("leader"));
        for (int victim : List.of(leader, leader % 3 + 1, (leader + 1) % 3 + 1)) {
            Harness.control("kill/" + victim);
            int before = entered.get();
            Harness.eventually("the lock is handed on without server " + victim, () -> entered.get() > before + 5);
            String node = Harness.ROOT + "/seen/" + victim;
            watcher.create().orSetData().creatingParentsIfNeeded().forPath(node);
            Harness.eventually("the cache sees " + node, () -> cache.get(node).isPresent());
            Harness.eventually("one leads", () -> latches.stream().filter(LeaderLatch::hasLeadership).count() == 1);
            Harness.control("start/" + victim);
        }
        isOver.set(true);
        work.join(60_000);
        Harness.equal(tooMany.get(), 0, "times that two held the lock");
        watcher.sync().forPath(Harness.ROOT + "/counter");
        long value = new DistributedAtomicLong(watcher, Harness.ROOT + "/counter", new RetryNTimes(10, 10)).get().postValue();
        Harness.equal(value >= acknowledged.get(), true, "no acknowledged increment is lost: " + value + " of " + acknowledged.get());
        Harness.equal(acknowledged.get() > 0 && tried.get() >= acknowledged.get(), true, "increments were acknowledged");
        cache.close();
        for (LeaderLatch latch : latches) {
            latch.close();
        }
        Sessions.close(clients);
        watcher.close();
    }

    private FailoverChecks() {
    }
}
