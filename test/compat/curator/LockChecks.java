import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.locks.InterProcessLock;
import org.apache.curator.framework.recipes.locks.InterProcessMultiLock;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.locks.Revoker;

/** Locks, semaphores and barriers: never too many holders, and no endless wait. */
final class LockChecks {
    static void register() {
        Harness.check("InterProcessMutex has one holder at a time among four contending sessions", LockChecks::mutex);
        Harness.check("InterProcessMutex is reentrant, gives up after its timeout, and is released with the session of its holder", LockChecks::reentrant);
        Harness.check("a revocable InterProcessMutex is notified that another client wants it", LockChecks::revocation);
        Harness.check("InterProcessSemaphoreMutex excludes the same thread too", LockChecks::semaphoreMutex);
        Harness.check("InterProcessReadWriteLock shares reads, excludes writers and downgrades", LockChecks::readWrite);
        Harness.check("InterProcessSemaphoreV2 has no more holders than leases", LockChecks::semaphore);
        Harness.check("InterProcessMultiLock takes all locks or none", LockChecks::multiLock);
        Harness.check("DistributedBarrier blocks until it is removed", LockChecks::barrier);
        Harness.check("DistributedDoubleBarrier lets four sessions enter and leave together", LockChecks::doubleBarrier);
    }

    private static String path(String name) {
        return Harness.ROOT + "/locks/" + name;
    }

    private static void mutex() throws Exception {
        List<CuratorFramework> clients = Sessions.open(4);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger entered = new AtomicInteger();
        AtomicInteger tooMany = new AtomicInteger();
        Sessions.together(clients, client -> {
            InterProcessMutex lock = new InterProcessMutex(client, path("mutex"));
            for (int round = 0; round < 15; round++) {
                lock.acquire();
                if (inside.incrementAndGet() != 1) {
                    tooMany.incrementAndGet();
                }
                entered.incrementAndGet();
                inside.decrementAndGet();
                lock.release();
            }
        });
        Harness.equal(List.of(entered.get(), tooMany.get()), List.of(60, 0), "entered, and entered while another held it");
        Sessions.close(clients);
    }

    private static void reentrant() throws Exception {
        CuratorFramework first = Sessions.open();
        CuratorFramework second = Sessions.open();
        InterProcessMutex lock = new InterProcessMutex(first, path("reentrant"));
        InterProcessMutex other = new InterProcessMutex(second, path("reentrant"));
        lock.acquire();
        lock.acquire();
        lock.release();
        Harness.equal(other.acquire(200, TimeUnit.MILLISECONDS), false, "acquired while held");
        Harness.equal(lock.getParticipantNodes().size(), 1, "participants after the timeout");
        first.close(); // the lock is not released explicitly; it ends with its session
        Harness.equal(other.acquire(20, TimeUnit.SECONDS), true, "acquired after the holder's session closed");
        other.release();
        second.close();
    }

    private static void revocation() throws Exception {
        List<CuratorFramework> clients = Sessions.open(2);
        InterProcessMutex lock = new InterProcessMutex(clients.get(0), path("revocable"));
        CountDownLatch asked = new CountDownLatch(1);
        lock.makeRevocable(held -> asked.countDown());
        lock.acquire();
        Revoker.attemptRevoke(clients.get(1), lock.getParticipantNodes().iterator().next());
        Harness.equal(asked.await(10, TimeUnit.SECONDS), true, "asked to release it");
        lock.release();
        Sessions.close(clients);
    }

    private static void semaphoreMutex() throws Exception {
        CuratorFramework client = Sessions.open();
        InterProcessLock lock = new InterProcessSemaphoreMutex(client, path("semaphore-mutex"));
        lock.acquire();
        Harness.equal(lock.acquire(200, TimeUnit.MILLISECONDS), false, "acquired again");
        lock.release();
        Harness.equal(lock.acquire(10, TimeUnit.SECONDS), true, "acquired after the release");
        lock.release();
        client.close();
    }

    private static void readWrite() throws Exception {
        List<CuratorFramework> clients = Sessions.open(2);
        InterProcessReadWriteLock first = new InterProcessReadWriteLock(clients.get(0), path("read-write"));
        InterProcessReadWriteLock second = new InterProcessReadWriteLock(clients.get(1), path("read-write"));
        first.readLock().acquire();
        Harness.equal(second.readLock().acquire(10, TimeUnit.SECONDS), true, "second reader");
        Harness.equal(second.writeLock().acquire(200, TimeUnit.MILLISECONDS), false, "writer beside a reader");
        second.readLock().release();
        first.readLock().release();
        Harness.equal(second.writeLock().acquire(10, TimeUnit.SECONDS), true, "writer alone");
        Harness.equal(second.readLock().acquire(10, TimeUnit.SECONDS), true, "the writer reads as well");
        Harness.equal(first.readLock().acquire(200, TimeUnit.MILLISECONDS), false, "reader beside a writer");
        second.writeLock().release();
        Harness.equal(first.readLock().acquire(10, TimeUnit.SECONDS), true, "reader beside a writer that became a reader");
        first.readLock().release();
        second.readLock().release();
        Sessions.close(clients);
    }

    private static void semaphore() throws Exception {
        List<CuratorFramework> clients = Sessions.open(3);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Sessions.together(clients, client -> {
            InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(client, path("semaphore"), 2);
            for (int round = 0; round < 6; round++) {
                Lease lease = semaphore.acquire();
                most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                inside.decrementAndGet();
                semaphore.returnLease(lease);
            }
        });
        Harness.equal(most.get() <= 2, true, "at most two inside");
        InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(clients.get(0), path("semaphore"), 2);
        var both = semaphore.acquire(2, 10, TimeUnit.SECONDS);
        Harness.equal(both.size(), 2, "leases");
        Harness.equal(semaphore.acquire(200, TimeUnit.MILLISECONDS), null, "third lease");
        semaphore.returnAll(both);
        Sessions.close(clients);
    }

    private static void multiLock() throws Exception {
        List<CuratorFramework> clients = Sessions.open(2);
        List<String> paths = List.of(path("multi/a"), path("multi/b"));
        InterProcessMultiLock all = new InterProcessMultiLock(clients.get(0), paths);
        InterProcessMutex second = new InterProcessMutex(clients.get(1), paths.get(1));
        InterProcessMutex first = new InterProcessMutex(clients.get(1), paths.get(0));
        second.acquire();
        Harness.equal(all.acquire(300, TimeUnit.MILLISECONDS), false, "all while one is held");
        Harness.equal(first.acquire(10, TimeUnit.SECONDS), true, "the free one after the failure");
        first.release();
        second.release();
        Harness.equal(all.acquire(10, TimeUnit.SECONDS), true, "all");
        all.release();
        Sessions.close(clients);
    }

    private static void barrier() throws Exception {
        List<CuratorFramework> clients = Sessions.open(2);
        DistributedBarrier barrier = new DistributedBarrier(clients.get(0), path("barrier"));
        barrier.setBarrier();
        DistributedBarrier waiting = new DistributedBarrier(clients.get(1), path("barrier"));
        Harness.equal(waiting.waitOnBarrier(300, TimeUnit.MILLISECONDS), false, "passed while set");
        CountDownLatch passed = new CountDownLatch(1);
        Thread thread = new Thread(() -> {
            try {
                waiting.waitOnBarrier();
                passed.countDown();
            } catch (Exception error) {
                error.printStackTrace();
            }
        });
        thread.start();
        barrier.removeBarrier();
        Harness.equal(passed.await(10, TimeUnit.SECONDS), true, "passed after the removal");
        Sessions.close(clients);
    }

    private static void doubleBarrier() throws Exception {
        List<CuratorFramework> clients = Sessions.open(4);
        AtomicInteger arrived = new AtomicInteger();
        AtomicInteger tooEarly = new AtomicInteger();
        AtomicInteger leaving = new AtomicInteger();
        Sessions.together(clients, client -> {
            DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(client, path("double"), 4);
            arrived.incrementAndGet();
            Harness.equal(barrier.enter(30, TimeUnit.SECONDS), true, "entered");
            if (arrived.get() != 4) {
                tooEarly.incrementAndGet();
            }
            leaving.incrementAndGet();
            Harness.equal(barrier.leave(30, TimeUnit.SECONDS), true, "left");
            if (leaving.get() != 4) {
                tooEarly.incrementAndGet();
            }
        });
        Harness.equal(tooEarly.get(), 0, "sessions that passed too early");
        Sessions.close(clients);
    }

    private LockChecks() {
    }
}
