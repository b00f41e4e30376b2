import os

import pytest

from mmfan.utils.resources import cores, default_workers, free_memory, processes_beside, read_bytes, share_of_cores


def write(root, **files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system binds no processes to cores")
def test_cores_are_those_this_process_may_use(tmp_path):
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert cores(tmp_path) == len(before)


@pytest.fixture
def eight(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000\n", "a/cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "max 100000\n", "a/b/cpu.max": "350000 100000\n"}, 3),
        ({"a/cpu.max": "200000 100000\n", "a/b/cpu.max": "350000 100000\n"}, 2),  # of the group above
        ({"a/b/cpu.max": "50000 100000\n"}, 1),  # half a core
        ({"cpu.max": "400000 100000\n"}, 4),  # a container sees its own group alone
    ],
)
def test_quota_of_control_groups(tmp_path, files, expected):
    write(
        tmp_path, **{"proc/self/cgroup": "0::/a/b\n"}, **{f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    )
    assert cores(tmp_path) == expected


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize(("quota", "expected"), [("-1", 8), ("250000", 2), ("", 8)])
def test_quota_of_control_groups_of_version_1(tmp_path, quota, expected):
    folder = "sys/fs/cgroup/cpu,cpuacct/job"
    write(tmp_path, **{"proc/self/cgroup": "5:memory:/\n4:cpu,cpuacct:/job\n1:name=systemd:/x\n"})
    write(tmp_path, **{f"{folder}/cpu.cfs_quota_us": quota, f"{folder}/cpu.cfs_period_us": "100000\n"})
    assert cores(tmp_path) == expected


MEMINFO = "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:    5000 kB\n"


def test_free_memory(tmp_path):
    write(tmp_path, **{"proc/meminfo": MEMINFO})
    assert free_memory(tmp_path) == 5000 * 1024
    group = "sys/fs/cgroup/a"
    write(tmp_path, **{"proc/self/cgroup": "0::/a\n", f"{group}/memory.max": "max\n", f"{group}/memory.current": "7"})
    assert free_memory(tmp_path) == 5000 * 1024
    write(tmp_path, **{f"{group}/memory.max": "4000000\n", f"{group}/memory.current": "3000000\n"})
    assert free_memory(tmp_path) == 1000000
    write(tmp_path, **{f"{group}/memory.stat": "active_file 9\ninactive_file 500000\n"})  # which the kernel gives back
    assert free_memory(tmp_path) == 1500000
    write(tmp_path, **{f"{group}/memory.current": "5000000\n"})
    assert free_memory(tmp_path) == 0


def test_free_memory_of_version_1(tmp_path):
    group = "sys/fs/cgroup/memory/job"
    write(tmp_path, **{"proc/meminfo": MEMINFO, "proc/self/cgroup": "4:memory:/job\n"})
    write(tmp_path, **{f"{group}/memory.limit_in_bytes": "2000000", f"{group}/memory.usage_in_bytes": "1500000"})
    assert free_memory(tmp_path) == 500000
    write(tmp_path, **{f"{group}/memory.limit_in_bytes": "9223372036854771712"})
    assert free_memory(tmp_path) == 5000 * 1024


@pytest.mark.skipif(not os.path.exists("/proc/meminfo"), reason="Linux tells what is free")
def test_free_memory_of_this_machine():
    assert 0 < free_memory() < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.usefixtures("eight")
def test_shares_of_the_processes_of_a_machine(tmp_path, monkeypatch):
    monkeypatch.setattr("mmfan.utils.resources.cores", lambda: 8)
    assert processes_beside({}) == processes_beside({"LOCAL_WORLD_SIZE": "x"}) == 1
    assert share_of_cores({"LOCAL_WORLD_SIZE": "3"}) == default_workers({"LOCAL_WORLD_SIZE": "3"}) == 2
    assert default_workers({}) == 8
    assert default_workers({}, left=1) == 7
    assert default_workers({"LOCAL_WORLD_SIZE": "1000"}) == default_workers({"LOCAL_WORLD_SIZE": "8"}, left=1) == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0, 0), (12, 12), ("0", 0), ("2GB", 2 * 10**9), ("1.5 GiB", 3 * 2**29), ("7kb", 7000), (" 3 m ", 3 * 10**6),
        ("2TB", 2 * 10**12),
    ],
)  # fmt: skip
def test_amounts_of_memory(given, expected):
    assert read_bytes("cache", given) == expected


@pytest.mark.parametrize("given", [-1, 1.5, True, "", "much", "2 GBB", "-3GB", "2 PB", None])
def test_what_is_no_amount_of_memory(given):
    with pytest.raises(ValueError, match="`cache` as a number of bytes or as a text such as '2GB', got"):
        read_bytes("cache", given)
