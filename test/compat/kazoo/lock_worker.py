"""Takes and releases one lock in an endless loop. While it holds the lock, a file created with O_EXCL exists, which a second holder cannot create.

Usage: lock_worker.py SERVERS LOCK_PATH HOLDER_FILE. Prints VIOLATION if the file existed already.
"""

import os
import sys
import time

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException

servers, lock_path, holder_file = sys.argv[1:4]
client = KazooClient(hosts=servers, timeout=3.0)
client.start(timeout=20)
while True:
    try:
        with client.Lock(lock_path, str(os.getpid())):
            try:
                descriptor = os.open(holder_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            except FileExistsError:
                print(f"VIOLATION: {os.getpid()} holds the lock of another", flush=True)
                continue
            os.write(descriptor, f"{os.getpid()}\n".encode())
            os.close(descriptor)
            time.sleep(0.15)
            os.remove(holder_file)
    except KazooException as error:
        print(f"trouble: {error}", flush=True)
    time.sleep(0.01)
