"""The limits are AWS's: the numbers stand here a second time, as its documentation has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epicat.aws import limits
from epicat.errors import InputError

REQUEST = {"jobName": "pick", "jobQueue": "q", "jobDefinition": "d"}


@pytest.mark.parametrize(
    ("vcpu", "least", "most", "step"),
    [
        ("0.5", 1024, 4096, 1024), ("1", 2048, 8192, 1024), ("2", 4096, 16384, 1024),
        ("4", 8192, 30720, 1024), ("8", 16384, 61440, 4096), ("16", 32768, 122880, 8192),
    ],
)  # fmt: skip
def test_each_number_of_vcpus_has_its_range_of_memory(vcpu, least, most, step):
    limits.check_size(vcpu, least)
    limits.check_size(vcpu, most)
    limits.check_size(vcpu, least + step)
    for memory in (least - step, most + step, least + step // 2):
        with pytest.raises(InputError, match=rf"{memory} MiB with {vcpu} vCPU.*{least} to {most}"):
            limits.check_size(vcpu, memory)


def test_a_quarter_has_three_sizes_and_other_numbers_none():
    for memory in (512, 1024, 2048):
        limits.check_size("0.25", memory)
    with pytest.raises(InputError, match="512, 1024, 2048 MiB"):
        limits.check_size("0.25", 1536)
    with pytest.raises(InputError, match=r"3 vCPUs: Fargate has 0\.25, 0\.5, 1, 2, 4, 8, 16"):
        limits.check_size("3", 8192)


@given(st.integers(-10, 300))
def test_disk(gibibytes):
    if 20 <= gibibytes <= 200:
        limits.check_storage(gibibytes)
    else:
        with pytest.raises(InputError, match="20 to 200"):
            limits.check_storage(gibibytes)


@pytest.mark.parametrize(("attempts", "is_fine"), [(0, False), (1, True), (10, True), (11, False)])
def test_attempts(attempts, is_fine):
    if is_fine:
        limits.check_attempts(attempts)
    else:
        with pytest.raises(InputError, match=f"{attempts} attempts.*1 to 10"):
            limits.check_attempts(attempts)


@pytest.mark.parametrize("name", ["a", "9-z_Z", "x" * 128])
def test_names(name):
    limits.check_name(name, "job")


@pytest.mark.parametrize("name", ["", "-a", "_a", "a b", "a.b", "é", "x" * 129, "a\n"])
def test_names_that_are_none(name):
    with pytest.raises(InputError, match="1 to 128"):
        limits.check_name(name, "job")


def test_rules_for_retries():
    fine = {"onStatusReason": "Host EC2*", "action": "RETRY"}
    limits.check_exit_rules([fine] * 5)
    limits.check_exit_rules([{"onExitCode": "40*", "action": "exit"}])
    bad = [
        ([fine] * 6, "6 rules.*takes 5"),
        ([{"onReason": "*", "action": "STOP"}], "'STOP'"),
        ([{"onReason": "*x", "action": "EXIT"}], r"'\*x'"),
        ([{"onReason": "a(b)", "action": "EXIT"}], "letters, digits"),
        ([{"onReason": "x" * 513, "action": "EXIT"}], "512"),
        ([{"onExitCode": "1a", "action": "EXIT"}], "512 digits"),
    ]
    for rules, words in bad:
        with pytest.raises(InputError, match=words):
            limits.check_exit_rules(rules)


SUBMISSIONS = {
    "an array of one": ({"arrayProperties": {"size": 1}}, "array of 1 jobs.*2 to 10,000"),
    "an array too large": ({"arrayProperties": {"size": 10_001}}, "10,001"),
    "too many dependencies": ({"dependsOn": [{"jobId": "x"}] * 21}, "21 dependencies.*20"),
    "too many attempts": ({"retryStrategy": {"attempts": 11}}, "11 attempts"),
    "too short": ({"timeout": {"attemptDurationSeconds": 59}}, "59 s.*60 s or more"),
    "a long parameter": ({"parameters": {"plan": "x" * 8193}}, "8,193 characters.*8,192"),
    "too many tags": ({"tags": {f"t{i}": "" for i in range(51)}}, "51 tags"),
    "a tag of AWS's own": ({"tags": {"aws:x": ""}}, "'aws:x'"),
    "a long tag": ({"tags": {"x": "y" * 257}}, "256"),
    "a bad name": ({"jobName": "a b"}, "'a b'"),
    "too much altogether": ({"shareIdentifier": "x" * 30_720}, "30,720"),
    "a long environment": (
        {"containerOverrides": {"environment": [{"name": "x", "value": "y" * 8192}]}}, "8,192",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SUBMISSIONS)
def test_submissions_that_aws_refuses(case):
    more, words = SUBMISSIONS[case]
    with pytest.raises(InputError, match=words):
        limits.check_submission(REQUEST | more)


def test_submissions_at_the_limits():
    limits.check_submission(REQUEST)
    for size in (2, 10_000):
        limits.check_submission(REQUEST | {"arrayProperties": {"size": size}})
    limits.check_submission(
        REQUEST
        | {
            "dependsOn": [{"jobId": "x"}] * 20,
            "timeout": {"attemptDurationSeconds": 60},
            "parameters": {"plan": "x" * 8192},
            "retryStrategy": {"attempts": 10},
        }
    )
