"""Recipes in use while each of three servers is killed and started again, the leader first."""

import threading
import time

from kazoo.exceptions import KazooException
from kazoo.recipe.cache import TreeCache
from kazoo.retry import KazooRetry
from harness import ROOT, check, close, connect, control, equal, eventually

RETRY = KazooRetry(max_tries=-1, deadline=30, ignore_expire=False)


class Worker(threading.Thread):
    """Takes and releases one lock until it is stopped, and counts how often it held it."""

    inside = 0
    most = 0
    guard = threading.Lock()

    def __init__(self):
        super().__init__(daemon=True)
        self.client = connect(timeout=15.0)
        self.entered = 0
        self.is_over = False

    def run(self):
        while not self.is_over:
            try:
                with self.client.Lock(f"{ROOT}/lock", "worker"):
                    with Worker.guard:
                        Worker.inside += 1
                        Worker.most = max(Worker.most, Worker.inside)
                    time.sleep(0.002)
                    with Worker.guard:
                        Worker.inside -= 1
                    self.entered += 1
            except KazooException:
                time.sleep(0.05)


@check("Lock, Party and TreeCache hold while each server in turn, the leader too, dies by kill -9 and returns")
def kill_each():
    control("wait")
    watcher = connect(timeout=15.0)
    watcher.ensure_path(f"{ROOT}/tree")
    party = watcher.Party(f"{ROOT}/party", "member")
    party.join()
    cache = TreeCache(watcher, f"{ROOT}/tree")
    cache.start()
    workers = [Worker() for _ in range(3)]
    for worker in workers:
        worker.start()
    leader = int(control("leader"))
    for victim in [leader, *(each for each in (1, 2, 3) if each != leader)]:
        control(f"kill/{victim}")
        before = [worker.entered for worker in workers]
        eventually(lambda before=before: all(worker.entered > count + 2 for worker, count in zip(workers, before)), "every worker gets the lock", timeout=40)
        node = f"{ROOT}/tree/{victim}"
        RETRY(watcher.ensure_path, node)
        eventually(lambda node=node: cache.get_data(node, None) is not None, "the cache sees it")
        equal(RETRY(lambda: list(party)), ["member"], "party")
        control(f"start/{victim}")
    for worker in workers:
        worker.is_over = True
    for worker in workers:
        worker.join(30)
    equal(Worker.most, 1, "holders at once")
    cache.close()
    close(watcher, *(worker.client for worker in workers))
