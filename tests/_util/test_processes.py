"""Processes of a pool: whose they are, and what becomes of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from epicat._util.processes import (
    Children,
    SharedNumber,
    SharedText,
    deferred_interrupts,
    follow_parent,
    sigterm_as_interrupt,
)
from support.children import awaited_children

LONG = "x" * (1 << 20)
"""More than a pipe holds."""
LIMIT_S = 60


def _keep(handed: SharedText) -> None:
    os.environ["LENGTH"] = str(len(handed.text()))


def _kept(_: int) -> int:
    return int(os.environ["LENGTH"])


def test_a_text_comes_to_every_process_however_long_it_is():
    handed = SharedText.from_text(LONG)
    with ProcessPoolExecutor(
        2, mp_context=Children(), initializer=_keep, initargs=(handed,)
    ) as pool:
        assert list(pool.map(_kept, range(4), chunksize=1)) == [len(LONG)] * 4


def _remember(number: SharedNumber) -> None:
    global shared  # noqa: PLW0603 - the state of a worker process
    shared = number


def _remembered(_: int) -> int:
    return shared.get()


def test_a_number_is_seen_by_processes_that_run_already():
    number = SharedNumber.from_value(7)
    with ProcessPoolExecutor(
        2, mp_context=Children(), initializer=_remember, initargs=(number,)
    ) as pool:
        assert list(pool.map(_remembered, range(4), chunksize=1)) == [7] * 4
        number.set(1 << 40)
        assert list(pool.map(_remembered, range(4), chunksize=1)) == [1 << 40] * 4


def test_a_process_that_is_killed_as_it_starts_does_not_hold_up_its_parent():
    process = Children().Process(target=_keep, args=(SharedText.from_text(LONG),))

    def kill_it():
        (pid,) = awaited_children(os.getpid())
        os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_it)
    killer.start()
    starter = threading.Thread(target=process.start, daemon=True)
    starter.start()
    starter.join(LIMIT_S)
    killer.join()
    assert not starter.is_alive()
    process.join(LIMIT_S)
    assert process.exitcode == -signal.SIGKILL


def test_only_the_own_processes_are_killed():
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    other.start()
    children = Children()
    own = children.Process(target=time.sleep, args=(60,))
    children.Process(target=time.sleep, args=(60,))  # never started
    own.start()
    children.kill()
    assert own.exitcode == -signal.SIGKILL
    assert other.is_alive()
    other.kill()
    other.join(LIMIT_S)


PARENT = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from epicat._util.processes import Children, follow_parent, deferred_interrupts
if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, mp_context=Children(), initializer=follow_parent)
    with deferred_interrupts():
        pool.submit(time.sleep, 60)
    print("started", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_processes_end_with_their_parent(tmp_path, number):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        parent.send_signal(number)
        # The end of the output: the last process that has it is gone.
        with ThreadPoolExecutor(1) as threads:
            assert threads.submit(parent.stdout.read).result(LIMIT_S) == b""


def test_an_interrupt_does_not_reach_a_process_that_only_begins(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT.replace("time.sleep(60)\n", "input()\n    pool.shutdown(wait=False)\n"
                                     "    os._exit(0)\n"))  # fmt: skip
    with subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        (pid,) = awaited_children(parent.pid)
        os.kill(pid, signal.SIGINT)
        _, said = parent.communicate("\n", timeout=LIMIT_S)
        assert "KeyboardInterrupt" not in said


def test_sigterm_is_an_interrupt_and_later_what_it_was():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), sigterm_as_interrupt():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before
    with ThreadPoolExecutor(1) as threads:  # not in the main thread: nothing happens
        threads.submit(lambda: sigterm_as_interrupt().__enter__()).result()
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_worker_ignores_ctrl_c():
    children = Children()
    worker = children.Process(target=_interrupted_worker)
    worker.start()
    worker.join(LIMIT_S)
    assert worker.exitcode == 0


def _interrupted_worker() -> None:
    follow_parent()
    signal.raise_signal(signal.SIGINT)


def test_interrupts_wait_until_processes_are_started():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    for number in (signal.SIGINT, signal.SIGTERM):
        reached = []
        with pytest.raises(KeyboardInterrupt), sigterm_as_interrupt(), deferred_interrupts():  # noqa: PT012
            os.kill(os.getpid(), number)
            reached.append("the end")
        assert reached == ["the end"]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & {signal.SIGINT, signal.SIGTERM}
    with ThreadPoolExecutor(1) as threads:  # not in the main thread: nothing is touched
        threads.submit(lambda: deferred_interrupts().__enter__()).result()
    assert signal.getsignal(signal.SIGINT) == before[0]


@pytest.mark.parametrize("module", ["epicat.__main__", "epicat.pipeline.process_pool"])
def test_little_is_imported_before_signals_and_the_end_of_the_parent_are_watched(module):
    program = f"import sys, {module}; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert not {"typer", "rich", "pydantic", "numpy", "pyarrow"} & set(done.stdout.split())
    assert "epicat._util.processes" in done.stdout.split()


ENDING = """
import atexit, os, sys
from epicat.__main__ import main

class Late:
    def __del__(self, write=os.write):
        write(2, b"taken down")

late = Late()
atexit.register(print, "at exit")
sys.argv[1:] = [{argument!r}]
main()
"""


@pytest.mark.parametrize(("argument", "code"), [("--version", 0), ("--wrong", 2)])
def test_a_command_ends_its_process_before_python_is_taken_down(argument, code):
    # While that happens, a thread of Arrow's that still has something of Python's aborts it.
    done = subprocess.run(
        [sys.executable, "-c", ENDING.format(argument=argument)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == code
    assert done.stdout.splitlines()[-1] == "at exit"
    assert "taken down" not in done.stderr


def test_output_that_cannot_be_written_at_the_end_is_no_success():
    program = (
        "import sys; from epicat._util.processes import exit_process; print(1); exit_process(0)"
    )
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        buffered = os.environ | {"PYTHONUNBUFFERED": ""}
        done = subprocess.run(
            [sys.executable, "-c", program], check=False, stdout=full, env=buffered
        )
    assert done.returncode == 120
