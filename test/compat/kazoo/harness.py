"""Reports the checks of the kazoo suites, one line each, and reaches their servers; faults go through the control port."""

import os
import sys
import time
import traceback
import urllib.request

from kazoo.client import KazooClient

SERVERS = os.environ["ZK_SERVERS"]
PROXY = os.environ["ZK_PROXY"]
ROOT = os.environ["ZK_ROOT"]
CHECKS = []


def check(title):
    """Registers the decorated function as a check, which fails if the function raises."""

    def register(function):
        CHECKS.append((title, function))
        return function

    return register


def run_checks():
    failed = 0
    for title, function in CHECKS:
        try:
            function()
            print("ok " + title, flush=True)
        except Exception as error:
            failed += 1
            reason = f"{type(error).__name__} {error}".replace("\n", " ")
            print(f"not ok {title}: {reason}", flush=True)
            traceback.print_exc()
    sys.exit(1 if failed else 0)


def control(verb):
    """Sends the runner a command, such as `cut`, `kill/2` or `leader`, and returns the answer."""
    with urllib.request.urlopen(f"http://{os.environ['ZK_CONTROL']}/{verb}", timeout=60) as answer:
        return answer.read().decode().strip()


def connect(hosts=SERVERS, timeout=10.0, **options):
    client = KazooClient(hosts=hosts, timeout=timeout, **options)
    client.start(timeout=20)
    return client


def close(*clients):
    for client in clients:
        client.stop()
        client.close()


def eventually(condition, what, timeout=15.0):
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not after {timeout} s")
        time.sleep(0.02)


def equal(actual, wanted, what):
    if actual != wanted:
        raise AssertionError(f"{what}: got {actual!r}, wanted {wanted!r}")


def raises(error, function, *args, **kwargs):
    try:
        result = function(*args, **kwargs)
    except error:
        return
    raise AssertionError(f"{error.__name__} expected, got {result!r}")
