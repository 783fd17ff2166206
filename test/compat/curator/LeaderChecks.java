import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;

/** Leader election: one leader, never two, and a new one when the leader resigns or dies. */
final class LeaderChecks {
    static void register() {
        Harness.check("LeaderLatch has one leader, and the next one when it is closed", LeaderChecks::latch);
        Harness.check("LeaderLatch gives up leadership with its session and takes it again", LeaderChecks::lostLatch);
        Harness.check("LeaderSelector makes each of three lead, one at a time", LeaderChecks::selector);
        Harness.check("another leads soon after the process of the leader is killed by kill -9", LeaderChecks::killedLeader);
    }

    private static String path(String name) {
        return Harness.ROOT + "/leaders/" + name;
    }

    private static long leaders(List<LeaderLatch> latches) {
        return latches.stream().filter(LeaderLatch::hasLeadership).count();
    }

    private static void latch() throws Exception {
        List<CuratorFramework> clients = Sessions.open(3);
        List<LeaderLatch> latches = new ArrayList<>();
        for (CuratorFramework client : clients) {
            LeaderLatch latch = new LeaderLatch(client, path("latch"), "id-" + latches.size());
            latch.start();
            latches.add(latch);
        }
        for (int left = 3; left > 0; left--) {
            Harness.eventually("one leads", () -> leaders(latches) == 1);
            LeaderLatch leader = latches.stream().filter(LeaderLatch::hasLeadership).findFirst().orElseThrow();
            Harness.equal(latches.get(0).getLeader().getId(), leader.getId(), "leader as seen by another");
            int wanted = left;
            Harness.eventually("all take part", () -> latches.get(0).getParticipants().size() == wanted);
            latches.remove(leader);
            leader.close();
        }
        Sessions.close(clients);
    }

    private static void lostLatch() throws Exception {
        CuratorFramework client = Sessions.open(Harness.PROXY, 3000);
        LeaderLatch latch = new LeaderLatch(client, path("lost"));
        latch.start();
        Harness.equal(latch.await(20, TimeUnit.SECONDS), true, "leads");
        Harness.control("block");
        Harness.eventually("no longer leads", () -> !latch.hasLeadership());
        CuratorFramework other = Sessions.open();
        Harness.eventually("its znode is gone", () -> other.getChildren().forPath(path("lost")).isEmpty());
        Harness.control("unblock");
        Harness.eventually("leads again", latch::hasLeadership);
        latch.close();
        client.close();
        other.close();
    }

    private static void selector() throws Exception {
        List<CuratorFramework> clients = Sessions.open(3);
        Set<Integer> led = ConcurrentHashMap.newKeySet();
        AtomicInteger leading = new AtomicInteger();
        AtomicInteger tooMany = new AtomicInteger();
        List<LeaderSelector> selectors = new ArrayList<>();
        for (int index = 0; index < 3; index++) {
            int id = index;
            LeaderSelector selector = new LeaderSelector(clients.get(index), path("selector"), new LeaderSelectorListenerAdapter() {
                @Override
                public void takeLeadership(CuratorFramework client) throws Exception {
                    if (leading.incrementAndGet() != 1) {
                        tooMany.incrementAndGet();
                    }
                    led.add(id);
                    Thread.sleep(20);
                    leading.decrementAndGet();
                }
            });
            selector.autoRequeue();
            selector.start();
            selectors.add(selector);
        }
        Harness.eventually("each has led", () -> led.size() == 3);
        selectors.forEach(LeaderSelector::close);
        Harness.equal(tooMany.get(), 0, "times that two led");
        Sessions.close(clients);
    }

    /** The process that is killed: prints that it leads, and leads until it is killed. */
    static void leadUntilKilled(String node) throws Exception {
        LeaderSelector selector = new LeaderSelector(Sessions.open(Harness.SERVERS, 3000), node, new LeaderSelectorListenerAdapter() {
            @Override
            public void takeLeadership(CuratorFramework client) throws Exception {
                System.out.println("leading");
                Thread.sleep(Long.MAX_VALUE);
            }
        });
        selector.start();
        Thread.sleep(Long.MAX_VALUE);
    }

    private static void killedLeader() throws Exception {
        List<String> command = List.of(
            System.getProperty("java.home") + "/bin/java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-XX:TieredStopAtLevel=1",
            "-cp", System.getProperty("java.class.path"), "CuratorSuite", "lead-until-killed", path("killed"));
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String line = new BufferedReader(new InputStreamReader(process.getInputStream())).readLine();
        Harness.equal(line, "leading", "first line of the process");
        CuratorFramework client = Sessions.open();
        CountDownLatch leading = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        LeaderSelector heir = new LeaderSelector(client, path("killed"), new LeaderSelectorListenerAdapter() {
            @Override
            public void takeLeadership(CuratorFramework ignored) throws Exception {
                leading.countDown();
                leave.await();
            }
        });
        heir.start();
        Harness.equal(leading.await(500, TimeUnit.MILLISECONDS), false, "leads beside a living leader");
        process.destroyForcibly().waitFor();
        Harness.equal(leading.await(20, TimeUnit.SECONDS), true, "leads after the death of the leader");
        leave.countDown();
        heir.close();
        client.close();
    }

    private LeaderChecks() {
    }
}
