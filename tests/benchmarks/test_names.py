"""The benchmarks by their names."""

import pytest

from benchmarks.__main__ import BENCHMARKS, benchmark


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_name_is_that_of_a_benchmark_there_is(name: str) -> None:
    assert callable(benchmark(name))
