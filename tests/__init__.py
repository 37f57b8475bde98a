"""The project's tests. Several run side by side, so each keeps to one thread; none asks the network.

Set here, before anything imports torch or the hub's client, which read it once.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
