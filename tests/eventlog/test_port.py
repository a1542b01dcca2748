import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from eventlog.port import murmur2, partition_of


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_agrees_with_kafkas_own_vectors(data: bytes, expected: int) -> None:
    """From UtilsTest.testMurmur2 in Apache Kafka; Java's integers are signed."""
    assert expected % 2**32 == murmur2(data)


@given(st.binary(max_size=64), st.integers(min_value=1, max_value=64))
def test_a_partition_is_the_one_that_aiokafka_chooses(key: bytes, partitions: int) -> None:
    everywhere = list(range(partitions))
    assert DefaultPartitioner()(key, everywhere, everywhere) == partition_of(key, partitions)
