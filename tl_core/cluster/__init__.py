"""Runs jobs on the machines of a Ray cluster; the only place that knows of Ray."""

import os

# Ray reads these when it is imported: nobody without the cluster's token gets in, nothing is sent.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
