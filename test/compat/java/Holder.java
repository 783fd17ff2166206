import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/**
 * The Java client of the suite `leader-changes`: one session with an ephemeral, a lock, a watch and pipelines of writes.
 * A command on each line of the input, an answer on each line of the output (test/compat/leader-changes/suite.ts).
 */
public final class Holder {
    private static final int PIPELINE = 100;

    private record Outcome(Code code, String data, int version) {
    }

    private final Harness.Events session = new Harness.Events();
    private final Harness.Events watch = new Harness.Events();
    private final BlockingQueue<Outcome> outcomes = new LinkedBlockingQueue<>();
    private final ZooKeeper client;
    private final long id;
    private final String path;
    private final String lock;
    private int version = 0;
    private String last = "";
    private int changeCount = 0;

    private Holder(String hosts, String path) throws Exception {
        client = new ZooKeeper(hosts, 10_000, session);
        Harness.equal(session.connected.await(20, TimeUnit.SECONDS), true, "connected");
        id = client.getSessionId();
        this.path = client.create(path, null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        client.create(path + "/watched", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        client.create(path + "/held", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        client.create(path + "/lock", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        lock = client.create(path + "/lock/n-", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL_SEQUENTIAL);
        client.getData(path + "/watched", watch, null);
    }

    /** Each write gives the znode a version of its own, so one that was lost or done twice shows in the versions. */
    private int pipeline() throws Exception {
        List<String> todo = new ArrayList<>();
        for (int i = 1; i <= PIPELINE; i++) {
            todo.add(Integer.toString(version + i));
        }
        Map<Integer, String> done = new TreeMap<>();
        int lost = 0;
        while (!todo.isEmpty()) {
            for (String data : todo) {
                client.setData(path, data.getBytes(), -1, (code, name, context, stat) -> outcomes.add(new Outcome(Code.get(code), data, stat == null ? -1 : stat.getVersion())), null);
            }
            List<String> again = new ArrayList<>();
            for (int i = 0; i < todo.size(); i++) {
                Outcome outcome = outcomes.poll(30, TimeUnit.SECONDS);
                Harness.equal(outcome != null, true, "a write has an outcome within 30 s");
                if (outcome.code() == Code.CONNECTIONLOSS) {
                    again.add(outcome.data());
                } else {
                    Harness.equal(outcome.code(), Code.OK, "outcome of a write");
                    done.put(outcome.version(), outcome.data());
                }
            }
            lost += again.size();
            todo = again;
        }
        List<Integer> wanted = new ArrayList<>();
        for (int i = 1; i <= PIPELINE; i++) {
            wanted.add(version + i);
        }
        Harness.equal(new ArrayList<>(done.keySet()), wanted, "versions of the writes");
        version += PIPELINE;
        last = done.get(version);
        return lost;
    }

    private int inspect() throws Exception {
        Harness.equal(changes(), changeCount, "events before the change");
        client.setData(path + "/watched", null, -1);
        changeCount++;
        Harness.eventually("event of the watch", () -> changes() >= changeCount);
        client.getData(path + "/watched", watch, null);
        Harness.equal(changes(), changeCount, "events after the change");
        Stat stat = new Stat();
        String data = new String(client.getData(path, false, stat));
        Harness.equal(List.of(data, stat.getVersion()), List.of(last, version), "value and version");
        Harness.equal(client.exists(path + "/held", false).getEphemeralOwner(), id, "owner of the ephemeral");
        Harness.equal(client.getChildren(path + "/lock", false), List.of(lock.substring(lock.lastIndexOf('/') + 1)), "contenders of the lock");
        Harness.equal(client.exists(lock, false).getEphemeralOwner(), id, "owner of the lock");
        Harness.equal(client.getSessionId(), id, "session");
        return (int) session.queue.stream().filter(event -> event.getState() != KeeperState.SyncConnected).count();
    }

    private int changes() {
        int count = 0;
        for (WatchedEvent event : watch.queue) {
            if (event.getType() != EventType.None) {
                count++;
            }
        }
        return count;
    }

    private int close() throws Exception {
        client.close();
        return 0;
    }

    public static void main(String[] arguments) throws Exception {
        Holder holder = null;
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.split(" ");
            try {
                int answer = 0;
                switch (words[0]) {
                    case "open" -> holder = new Holder(words[1], words[2]);
                    case "pipeline" -> answer = holder.pipeline();
                    case "inspect" -> answer = holder.inspect();
                    default -> answer = holder.close();
                }
                System.out.println("ok " + answer);
            } catch (Throwable error) {
                System.out.println("failed: " + String.valueOf(error).replace('\n', ' '));
            }
        }
    }
}
