"""The bed's `evaluateOnExit`, by AWS's description of it."""

from __future__ import annotations

import pytest

from awsbed.retries import Ended, is_retried

EXITED = Ended(1, "Essential container in task exited")
SPOT = Ended(143, "Your Spot Task was interrupted.")
RULES = [
    {"onStatusReason": "Your Spot Task was interrupted*", "action": "RETRY"},
    {"onExitCode": "75", "action": "retry"},
    {"onReason": "*", "action": "EXIT"},
]


def test_without_rules_every_failure_is_tried_again_while_attempts_last():
    assert is_retried({"attempts": 3}, 2, EXITED)
    assert not is_retried({"attempts": 3}, 3, EXITED)
    assert not is_retried({}, 1, EXITED)
    assert not is_retried({"attempts": 3}, 1, Ended(0, "Essential container in task exited"))


@pytest.mark.parametrize(
    ("ended", "is_again"),
    [
        (SPOT, True), (EXITED, False), (Ended(75, EXITED.status_reason), True),
        (Ended(750, EXITED.status_reason), False),
        (Ended(137, EXITED.status_reason, "OutOfMemoryError: killed"), False),
        (Ended(None, "Task failed to start", "CannotPullContainerError: x"), False),
        (Ended(143, "Your Spot Task was interrupted.", final=True), False),
        (Ended(0, "Your Spot Task was interrupted."), False),
    ],
)  # fmt: skip
def test_the_first_rule_that_matches_decides(ended, is_again):
    strategy = {"attempts": 10, "evaluateOnExit": RULES}
    assert is_retried(strategy, 1, ended) == is_again
    assert not is_retried(strategy, 10, ended)


def test_all_conditions_of_a_rule_count_and_no_match_is_a_retry():
    strategy = {
        "attempts": 2,
        "evaluateOnExit": [{"onExitCode": "1", "onReason": "Out*", "action": "EXIT"}],
    }
    assert is_retried(strategy, 1, EXITED)
    assert not is_retried(strategy, 1, Ended(1, "", "OutOfMemoryError"))


def test_a_pattern_is_a_beginning_with_an_asterisk_and_else_the_whole():
    for pattern, is_out in (
        ("Host EC2*", True),
        ("Host EC2", False),
        ("Host EC2 (i-1) gone", True),
    ):
        rules = [{"onStatusReason": pattern, "action": "EXIT"}]
        strategy = {"attempts": 2, "evaluateOnExit": rules}
        assert is_retried(strategy, 1, Ended(1, "Host EC2 (i-1) gone")) is not is_out
