import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.CachedAtomicLong;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicInteger;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicValue;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedIdQueue;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.recipes.shared.SharedCountListener;
import org.apache.curator.framework.recipes.shared.SharedCountReader;
import org.apache.curator.framework.recipes.shared.SharedValue;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;

/** Counters, values and queues that several sessions change. */
final class SharedStateChecks {
    private static final RetryNTimes TRIES = new RetryNTimes(200, 5);

    static void register() {
        Harness.check("DistributedAtomicLong loses no increment of three sessions", SharedStateChecks::atomicLong);
        Harness.check("DistributedAtomicInteger and DistributedAtomicValue compare and set", SharedStateChecks::atomicValues);
        Harness.check("CachedAtomicLong returns each number once", SharedStateChecks::cachedLong);
        Harness.check("SharedCount and SharedValue notify each session of changes by another", SharedStateChecks::sharedCount);
        Harness.check("DistributedQueue gives each item to one of two consumers", SharedStateChecks::queue);
        Harness.check("DistributedQueue with a lock delivers an item again if its consumer fails", SharedStateChecks::safeQueue);
        Harness.check("DistributedIdQueue removes items by their id", SharedStateChecks::idQueue);
        Harness.check("DistributedPriorityQueue and DistributedDelayQueue keep their order", SharedStateChecks::orderedQueues);
        Harness.check("SimpleDistributedQueue offers, peeks, polls and takes", SharedStateChecks::simpleQueue);
    }

    private static String path(String name) {
        return Harness.ROOT + "/shared/" + name;
    }

    private static void atomicLong() throws Exception {
        List<CuratorFramework> clients = Sessions.open(3);
        Sessions.together(clients, client -> {
            DistributedAtomicLong counter = new DistributedAtomicLong(client, path("long"), TRIES);
            for (int round = 0; round < 20; round++) {
                Harness.equal(counter.increment().succeeded(), true, "increment");
            }
        });
        DistributedAtomicLong counter = new DistributedAtomicLong(clients.get(0), path("long"), TRIES);
        Harness.equal(counter.get().postValue(), 60L, "value");
        Harness.equal(counter.subtract(9L).postValue(), 51L, "after the subtraction");
        Sessions.close(clients);
    }

    private static void atomicValues() throws Exception {
        CuratorFramework client = Sessions.open();
        DistributedAtomicInteger number = new DistributedAtomicInteger(client, path("integer"), TRIES);
        Harness.equal(number.initialize(7), true, "first initialize");
        Harness.equal(number.initialize(8), false, "second initialize");
        Harness.equal(number.compareAndSet(8, 9).succeeded(), false, "set over another value");
        Harness.equal(number.compareAndSet(7, 9).postValue(), 9, "set over the right value");
        DistributedAtomicValue value = new DistributedAtomicValue(client, path("value"), TRIES);
        AtomicValue<byte[]> set = value.trySet("bytes".getBytes());
        Harness.equal(set.succeeded(), true, "set");
        Harness.equal(new String(value.get().postValue()), "bytes", "bytes");
        client.close();
    }

    private static void cachedLong() throws Exception {
        List<CuratorFramework> clients = Sessions.open(2);
        BlockingQueue<Long> handedOut = new LinkedBlockingQueue<>();
        Sessions.together(clients, client -> {
            CachedAtomicLong numbers = new CachedAtomicLong(new DistributedAtomicLong(client, path("cached"), TRIES), 10);
            for (int round = 0; round < 25; round++) {
                handedOut.add(numbers.next().postValue());
            }
        });
        Harness.equal(handedOut.stream().distinct().count(), 50L, "different numbers");
        Sessions.close(clients);
    }

    private static void sharedCount() throws Exception {
        List<CuratorFramework> clients = Sessions.open(2);
        SharedCount first = new SharedCount(clients.get(0), path("count"), 3);
        SharedCount second = new SharedCount(clients.get(1), path("count"), 3);
        BlockingQueue<Integer> heard = new LinkedBlockingQueue<>();
        second.addListener(new SharedCountListener() {
            @Override
            public void countHasChanged(SharedCountReader count, int newCount) {
                heard.add(newCount);
            }

            @Override
            public void stateChanged(CuratorFramework client, ConnectionState state) {
            }
        });
        first.start();
        second.start();
        Harness.equal(second.getCount(), 3, "seed");
        first.setCount(4);
        Harness.equal(heard.poll(10, TimeUnit.SECONDS), 4, "heard");
        Harness.equal(first.trySetCount(first.getVersionedValue(), 5), true, "try of the newest version");
        Harness.equal(heard.poll(10, TimeUnit.SECONDS), 5, "heard again");
        first.close();
        second.close();
        SharedValue value = new SharedValue(clients.get(0), path("shared-value"), "seed".getBytes());
        value.start();
        value.setValue("next".getBytes());
        Harness.equal(new String(value.getValue()), "next", "value");
        value.close();
        Sessions.close(clients);
    }

    private static final QueueSerializer<String> TEXT = new QueueSerializer<>() {
        @Override
        public byte[] serialize(String item) {
            return item.getBytes();
        }

        @Override
        public String deserialize(byte[] bytes) {
            return new String(bytes);
        }
    };

    /** Collects what a queue delivers; refuses each item that starts with `!` once. */
    private static final class Consumer implements QueueConsumer<String> {
        final BlockingQueue<String> items;
        private boolean hasRefused;

        Consumer(BlockingQueue<String> items) {
            this.items = items;
        }

        @Override
        public synchronized void consumeMessage(String item) throws Exception {
            if (item.startsWith("!") && !hasRefused) {
                hasRefused = true;
                throw new Exception("refused once");
            }
            items.add(item);
        }

        @Override
        public void stateChanged(CuratorFramework client, ConnectionState state) {
        }
    }

    private static void queue() throws Exception {
        List<CuratorFramework> clients = Sessions.open(3);
        BlockingQueue<String> items = new LinkedBlockingQueue<>();
        DistributedQueue<String> producer = QueueBuilder.builder(clients.get(0), null, TEXT, path("queue")).buildQueue();
        producer.start();
        for (int index = 0; index < 40; index++) {
            producer.put("item-" + index);
        }
        Harness.equal(producer.flushPuts(10, TimeUnit.SECONDS), true, "flushed");
        DistributedQueue<String> one = QueueBuilder.builder(clients.get(1), new Consumer(items), TEXT, path("queue")).buildQueue();
        DistributedQueue<String> two = QueueBuilder.builder(clients.get(2), new Consumer(items), TEXT, path("queue")).buildQueue();
        one.start();
        two.start();
        Harness.eventually("all are consumed", () -> items.size() >= 40);
        Harness.equal(List.of(items.size(), (int) items.stream().distinct().count()), List.of(40, 40), "items, and different ones");
        one.close();
        two.close();
        producer.close();
        Sessions.close(clients);
    }

    private static void safeQueue() throws Exception {
        CuratorFramework client = Sessions.open();
        BlockingQueue<String> items = new LinkedBlockingQueue<>();
        DistributedQueue<String> queue = QueueBuilder.builder(client, new Consumer(items), TEXT, path("safe")).lockPath(path("safe-locks")).buildQueue();
        queue.start();
        queue.put("!once");
        Harness.equal(items.poll(20, TimeUnit.SECONDS), "!once", "the item after its refusal");
        queue.close();
        client.close();
    }

    private static void idQueue() throws Exception {
        CuratorFramework client = Sessions.open();
        DistributedIdQueue<String> producer = QueueBuilder.builder(client, null, TEXT, path("ids")).buildIdQueue();
        producer.start();
        producer.put("first", "a");
        producer.put("second", "b");
        producer.put("third", "a");
        Harness.eventually("three wait", () -> client.getChildren().forPath(path("ids")).size() == 3);
        Harness.equal(producer.remove("a"), 2, "removed by id");
        BlockingQueue<String> items = new LinkedBlockingQueue<>();
        DistributedIdQueue<String> consumer = QueueBuilder.builder(client, new Consumer(items), TEXT, path("ids")).buildIdQueue();
        consumer.start();
        Harness.equal(items.poll(10, TimeUnit.SECONDS), "second", "the one left");
        consumer.close();
        producer.close();
        client.close();
    }

    private static void orderedQueues() throws Exception {
        CuratorFramework client = Sessions.open();
        DistributedPriorityQueue<String> producer = QueueBuilder.builder(client, null, TEXT, path("priority")).buildPriorityQueue(0);
        producer.start();
        producer.put("low", 9);
        producer.put("high", -4);
        producer.put("middle", 3);
        producer.flushPuts(10, TimeUnit.SECONDS);
        BlockingQueue<String> items = new LinkedBlockingQueue<>();
        DistributedPriorityQueue<String> consumer = QueueBuilder.builder(client, new Consumer(items), TEXT, path("priority"))
            .executor(Runnable::run).buildPriorityQueue(0);
        consumer.start();
        for (String wanted : List.of("high", "middle", "low")) {
            Harness.equal(items.poll(10, TimeUnit.SECONDS), wanted, "by priority");
        }
        consumer.close();
        producer.close();
        DistributedDelayQueue<String> delays = QueueBuilder.builder(client, new Consumer(items), TEXT, path("delay")).buildDelayQueue();
        delays.start();
        long nowMs = System.currentTimeMillis();
        delays.put("later", nowMs + 900);
        delays.put("sooner", nowMs + 300);
        Harness.equal(items.poll(10, TimeUnit.SECONDS), "sooner", "first");
        Harness.equal(items.poll(10, TimeUnit.SECONDS), "later", "second");
        Harness.equal(System.currentTimeMillis() >= nowMs + 900, true, "not before its time");
        delays.close();
        client.close();
    }

    private static void simpleQueue() throws Exception {
        CuratorFramework client = Sessions.open();
        SimpleDistributedQueue queue = new SimpleDistributedQueue(client, path("simple"));
        queue.offer("a".getBytes());
        queue.offer("b".getBytes());
        Harness.equal(new String(queue.peek()), "a", "peek");
        Harness.equal(new String(queue.poll()), "a", "poll");
        Harness.equal(new String(queue.take()), "b", "take");
        Harness.equal(queue.poll(300, TimeUnit.MILLISECONDS), null, "poll of nothing");
        client.close();
    }

    private SharedStateChecks() {
    }
}
