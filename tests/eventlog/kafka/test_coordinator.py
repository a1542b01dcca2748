"""aiokafka still has what a member with a name needs: a member id that can be kept, and a name that can be given up."""

import inspect

from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaError, UnknownMemberIdError, for_code

from eventlog.kafka.coordinator import FencedInstanceId, is_fenced

FENCED = 82
"""FENCED_INSTANCE_ID in Kafka's protocol."""


def test_the_coordinator_has_the_attributes_that_are_set() -> None:
    source = inspect.getsource(GroupCoordinator)
    for attribute in ("self._group_instance_id", "self.member_id", "self._coordination_task"):
        assert f"{attribute} = " in source


def test_a_name_that_another_has_is_told_from_other_errors() -> None:
    assert is_fenced(FencedInstanceId())
    assert is_fenced(KafkaError(repr(for_code(FENCED)())))
    assert not is_fenced(KafkaError(repr(UnknownMemberIdError())))
    assert not is_fenced(UnknownMemberIdError())
