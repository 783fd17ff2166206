import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;

/** Curator clients, each with a session of its own, and work done by several of them at once. */
final class Sessions {
    static final int TIMEOUT_MS = 10_000;

    interface Work {
        void run(CuratorFramework client) throws Exception;
    }

    static CuratorFramework open(String servers, int sessionTimeoutMs) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.builder()
            .connectString(servers).sessionTimeoutMs(sessionTimeoutMs).connectionTimeoutMs(sessionTimeoutMs)
            .retryPolicy(new RetryNTimes(300, 100)).build();
        client.start();
        Harness.equal(client.blockUntilConnected(20, TimeUnit.SECONDS), true, "connected");
        return client;
    }

    static CuratorFramework open() throws Exception {
        return open(Harness.SERVERS, TIMEOUT_MS);
    }

    static List<CuratorFramework> open(int count) throws Exception {
        List<CuratorFramework> clients = new ArrayList<>();
        for (int index = 0; index < count; index++) {
            clients.add(open());
        }
        return clients;
    }

    static void close(List<CuratorFramework> clients) {
        clients.forEach(CuratorFramework::close);
    }

    /** Runs the same work in one thread for each client. Fails if any of them fails. */
    static void together(List<CuratorFramework> clients, Work work) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(clients.size());
        List<Future<?>> running = new ArrayList<>();
        for (CuratorFramework client : clients) {
            running.add(threads.submit(() -> {
                work.run(client);
                return null;
            }));
        }
        for (Future<?> each : running) {
            each.get(60, TimeUnit.SECONDS);
        }
        threads.shutdown();
    }

    private Sessions() {
    }
}
