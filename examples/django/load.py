#!/usr/bin/python3
"""Sends requests to servers until SIGTERM comes, each over a new connection. Then
it prints how many there were, and how many failed; if any did, or there were none, it
exits with 1.

    load.py URL...
"""

import signal
import sys
import threading
import urllib.request

PAUSE = 0.05  # of a client between two requests, in seconds
TIMEOUT = 30  # for one request

done = threading.Event()
lock = threading.Lock()
requests = 0
failures = []


def send(url):
    """Sends requests to one server."""
    global requests
    while not done.wait(PAUSE):
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
                response.read()
            failed = None
        except Exception as error:  # an answer that ends too soon is no OSError
            failed = f"{url}: {error}"
        with lock:
            requests += 1
            if failed:
                failures.append(failed)
                print(failed, file=sys.stderr, flush=True)


signal.signal(signal.SIGTERM, lambda *_: done.set())
clients = [threading.Thread(target=send, args=(url,)) for url in sys.argv[1:]]
for client in clients:
    client.start()
done.wait()
for client in clients:
    client.join()
print(f"{requests} requests, {len(failures)} failed")
sys.exit(0 if requests and not failures else 1)
