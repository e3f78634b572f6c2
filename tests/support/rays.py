"""A Ray cluster of two nodes on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gamutcli


class Nodes:
    """A cluster: its head, and another node, each with one processor."""

    def __init__(self) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ["RAY_raylet_start_wait_time_s"] = "300"  # noqa: SIM112 # a busy machine is no reason to fail
        os.environ["PYTHONPATH"] = os.pathsep.join(
            [str(Path(gamutcli.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        )
        from ray.cluster_utils import Cluster

        self._cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        self.address: str = self._cluster.address
        self.add()

    def add(self, cpus: int = 1, **how: Any) -> Any:
        """Add a node with so many processors."""
        return self._cluster.add_node(num_cpus=cpus, **how)

    def remove(self, node: Any) -> None:
        """Kill all processes of a node."""
        self._cluster.remove_node(node, allow_graceful=False)

    def wait_for(self, count: int) -> None:
        """Wait until the cluster knows that so many nodes live."""
        while self.alive != count:
            time.sleep(0.1)

    def close(self) -> None:
        self._cluster.shutdown()

    @contextmanager
    def blind_node(self, folder: Path) -> Iterator[None]:
        """As long as it lasts, a third node lives that has another file system in the place of a folder."""
        count = self.alive
        script = (
            'mount -t tmpfs none "$1" && exec "$3" -m ray.scripts.scripts start --address "$2" --num-cpus 1 --block'
        )
        command = [*BLIND, "sh", "-c", script, "sh", str(folder), self.address, sys.executable]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while self.alive == count:
                assert process.poll() is None
                time.sleep(0.1)
            try:
                yield
            finally:
                process.terminate()
        self.wait_for(count)

    @property
    def alive(self) -> int:
        """How many nodes live, as the cluster knows."""
        return sum(node["Alive"] for node in self._cluster.global_state.node_table())


#: Runs a program with file systems of its own.
BLIND = ("unshare", "--user", "--map-root-user", "--mount")


def can_blind() -> bool:
    """Whether a node can be given other file systems here."""
    try:
        done = subprocess.run([*BLIND, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0
