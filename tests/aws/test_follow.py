"""A stack that takes its time, by answers as CloudFormation gives them."""

from __future__ import annotations

from collections.abc import Iterator

from epicat.aws.session import Aws
from epicat.aws.stack import follow
from support import s3

ARN = "arn:aws:cloudformation:us-west-2:1:stack/epicat-x/1"


def told(kind: str, inner: str) -> s3.Answer:
    text = f"<{kind}Response><{kind}Result>{inner}</{kind}Result></{kind}Response>"
    return 200, {"Content-Type": "text/xml"}, text.encode()


def stack(status: str) -> s3.Answer:
    return told(
        "DescribeStacks",
        f"<Stacks><member><StackName>epicat-x</StackName><StackId>{ARN}</StackId>"
        f"<StackStatus>{status}</StackStatus></member></Stacks>",
    )


def events(*happened: tuple[str, str, str]) -> s3.Answer:
    members = "".join(
        f"<member><EventId>{i}</EventId><StackId>{ARN}</StackId><StackName>epicat-x</StackName>"
        f"<LogicalResourceId>{what}</LogicalResourceId><ResourceType>AWS::Batch::JobQueue"
        f"</ResourceType><ResourceStatus>{status}</ResourceStatus>"
        f"<ResourceStatusReason>{reason}</ResourceStatusReason></member>"
        for i, (what, status, reason) in reversed(list(enumerate(happened)))
    )
    return told("DescribeStackEvents", f"<StackEvents>{members}</StackEvents>")


class Patient(Aws):
    pause_s = 0.0


def followed(answers: list[s3.Answer], past: set[str]):
    queue: Iterator[s3.Answer] = iter(answers)
    said: list[str] = []
    with s3.Faulty(lambda *_: next(queue)).serving() as endpoint:
        end, failures = follow(Patient(endpoint=endpoint), ARN, past, said.append)
    return end, failures, said


def test_news_come_once_and_in_order_and_an_old_status_is_no_end(bed):
    old = ("epicat-x", "CREATE_COMPLETE", "")
    queue = ("SpotQueue", "UPDATE_COMPLETE", "")
    role = ("TaskRole", "CREATE_COMPLETE", "")
    end, failures, said = followed(
        [
            stack("CREATE_COMPLETE"), events(old),  # not yet begun
            stack("REVIEW_IN_PROGRESS"), events(old),
            stack("UPDATE_IN_PROGRESS"), events(old, queue),
            stack("UPDATE_COMPLETE"), events(old, queue, role),
        ],
        {"0"},
    )  # fmt: skip
    assert end is not None
    assert end.status == "UPDATE_COMPLETE"
    assert failures == []
    assert said == [
        "  updated: SpotQueue (Batch::JobQueue)",
        "  created: TaskRole (Batch::JobQueue)",
    ]


def test_causes_are_kept_and_what_they_stopped_is_not(bed):
    denied = "User: x is not authorized to perform: iam:CreateRole on resource: y"
    end, failures, _ = followed(
        [
            stack("ROLLBACK_COMPLETE"),
            events(
                ("TaskRole", "CREATE_FAILED", denied),
                ("SpotQueue", "CREATE_FAILED", "Resource creation cancelled"),
            ),
        ],
        set(),
    )
    assert end is not None
    (cause,) = failures
    assert cause.startswith("TaskRole: the credentials lack the permission iam:CreateRole")
