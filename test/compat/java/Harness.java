import java.net.HttpURLConnection;
import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooKeeper;

/** Reports the checks of the Java suites, one line each, and reaches their servers; faults go through the control port. */
final class Harness {
    static final String SERVERS = System.getenv("ZK_SERVERS");
    static final String PROXY = System.getenv("ZK_PROXY");
    static final String ROOT = System.getenv("ZK_ROOT");

    interface Action {
        void run() throws Exception;
    }

    interface Condition {
        boolean holds() throws Exception;
    }

    private static final Map<String, Action> CHECKS = new LinkedHashMap<>();

    static void check(String title, Action action) {
        CHECKS.put(title, action);
    }

    static int runChecks() {
        int failed = 0;
        for (Map.Entry<String, Action> each : CHECKS.entrySet()) {
            try {
                each.getValue().run();
                System.out.println("ok " + each.getKey());
            } catch (Throwable error) {
                failed++;
                System.out.println("not ok " + each.getKey() + ": " + String.valueOf(error).replace('\n', ' '));
                error.printStackTrace();
            }
        }
        return failed == 0 ? 0 : 1;
    }

    /** Collects the events of one client, or of one watch. */
    static final class Events implements Watcher {
        final BlockingQueue<WatchedEvent> queue = new LinkedBlockingQueue<>();
        final CountDownLatch connected = new CountDownLatch(1);

        @Override
        public void process(WatchedEvent event) {
            queue.add(event);
            if (event.getState() == Event.KeeperState.SyncConnected) {
                connected.countDown();
            }
        }

        /** The next event about a znode, as `Type path`; events about the connection are skipped. */
        String next() throws InterruptedException {
            for (;;) {
                WatchedEvent event = queue.poll(10, TimeUnit.SECONDS);
                if (event == null) {
                    return "no event";
                }
                if (event.getType() != Event.EventType.None) {
                    return event.getType() + " " + event.getPath();
                }
            }
        }

        boolean saw(Event.KeeperState state) {
            return queue.stream().anyMatch(event -> event.getState() == state);
        }
    }

    static ZooKeeper connect(String servers, int timeoutMs) throws Exception {
        Events events = new Events();
        ZooKeeper client = new ZooKeeper(servers, timeoutMs, events);
        if (!events.connected.await(20, TimeUnit.SECONDS)) {
            throw new AssertionError("not connected after 20 s");
        }
        return client;
    }

    static void control(String verb) throws Exception {
        ask(verb);
    }

    static String ask(String verb) throws Exception {
        HttpURLConnection connection =
            (HttpURLConnection) URI.create("http://" + System.getenv("ZK_CONTROL") + "/" + verb).toURL().openConnection();
        return new String(connection.getInputStream().readAllBytes()).trim();
    }

    static void equal(Object actual, Object wanted, String what) {
        if (!Objects.equals(actual, wanted)) {
            throw new AssertionError(what + ": got " + actual + ", wanted " + wanted);
        }
    }

    static void fails(KeeperException.Code code, Action action) throws Exception {
        try {
            action.run();
        } catch (KeeperException error) {
            equal(error.code(), code, "error");
            return;
        }
        throw new AssertionError(code + " expected");
    }

    static void eventually(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.holds()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(what + ": not after 30 s");
            }
            Thread.sleep(20);
        }
    }

    static List<String> sorted(List<String> names) {
        List<String> copy = new ArrayList<>(names);
        copy.sort(null);
        return copy;
    }

    private Harness() {
    }
}
