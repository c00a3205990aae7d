"""Slurm itself, on private clusters that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.slurm_cluster import Cluster, temporary
from support.slurm_host import missing

# Module fixtures that take a minute: one process makes each of them, and runs all tests that use it.
EXPENSIVE = ("undisturbed", "split_table")


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slurm)
            for name in EXPENSIVE:
                if name in getattr(item, "fixturenames", ()):
                    item.add_marker(pytest.mark.xdist_group(name))


def skip_where_missing(accounting: bool) -> None:
    if reason := missing(accounting):
        pytest.skip(reason)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """With accounting; the last of its four nodes does not see `cluster.hidden`."""
    skip_where_missing(accounting=True)
    with temporary(hidden=tmp_path_factory.mktemp("hidden")) as up:
        yield up


@pytest.fixture(scope="session")
def bare_cluster() -> Iterator[Cluster]:
    """Without accounting; it forgets a job 2 to 12 seconds after its end, and accepts array indices from 0 to 2."""
    skip_where_missing(accounting=False)
    with temporary(accounting=False, max_array_size=3, min_job_age=2) as up:
        yield up


OTHER: dict[str, Any] = {"nodes": 2, "max_array_size": 4, "min_job_age": 2}
OTHER |= {"requeue": False, "preempt_mode": "CANCEL", "grace": 0}


@pytest.fixture(scope="session")
def other_cluster() -> Iterator[Cluster]:
    """A site of another make: it never requeues a job, kills pre-empted ones at once, takes array indices from 0 to 3,
    knows at most 6 jobs (a job counts for 2 to 12 seconds after its end too), and keeps no accounts."""
    skip_where_missing(accounting=False)
    with temporary(accounting=False, max_job_count=6, **OTHER) as up:
        yield up


@pytest.fixture(scope="session")
def qos_cluster() -> Iterator[Cluster]:
    """The same with accounting, which pre-emption by QOS needs, and as many jobs as one likes."""
    skip_where_missing(accounting=True)
    with temporary(preempt_type="qos", **OTHER) as up:
        yield up


@pytest.fixture
def blank(tmp_path: Path) -> Path:
    """A folder with a blank in its path."""
    folder = tmp_path / "with a blank"
    folder.mkdir()
    return folder
