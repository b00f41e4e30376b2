import os
import platform

import numpy
import pytest

import mmfan
from mmfan.utils.versions import installed, memory_gib, processor, versions


def test_versions_of_modules():
    assert versions("numpy") == {
        "mmfan": mmfan.__version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
    }
    with pytest.raises(ImportError):
        versions("no_such_module")


def test_distributions_that_are_not_installed_are_left_out():
    assert installed("numpy", "no-such-distribution") == {"numpy": numpy.__version__}


@pytest.mark.process
def test_the_name_of_the_processor(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\nmodel name\t: Another\n")
    assert processor(cpuinfo) == "Some CPU @ 3 GHz"
    assert processor(tmp_path / "none") == (platform.processor() or platform.machine())


@pytest.mark.skipif(not os.path.exists("/proc/meminfo"), reason="the memory is compared with Linux's own figure")
def test_main_memory():
    with open("/proc/meminfo") as file:
        kib = int(next(line.split()[1] for line in file if line.startswith("MemTotal:")))
    assert memory_gib() == pytest.approx(kib / 2**20, rel=0.01)
