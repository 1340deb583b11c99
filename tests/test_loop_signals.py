"""The loop thread in whole programs: real Ctrl-C, fork and the end of the interpreter."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

PRELUDE = """
    import asyncio, os, random, signal, sys, threading, time
    from socialkit._loop import call_user, is_loop_thread, loop_thread

    def ctrl_c():
        os.kill(os.getpid(), signal.SIGINT)

    async def add(a, b):
        await asyncio.sleep(0)
        return a + b
"""

FORKS = ("-W", "ignore::DeprecationWarning")  # newer Pythons warn of any fork beside threads


def run_script(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a program with warnings as errors."""
    code = textwrap.dedent(PRELUDE) + textwrap.dedent(script)
    command = [sys.executable, "-W", "error", *options, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_ctrl_c_before_the_bytes_sends_nothing() -> None:
    done = run_script("""
        sent = []

        async def publish():
            ctrl_c()
            await asyncio.Event().wait()
            sent.append("post")

        try:
            loop_thread().run(publish())
        except KeyboardInterrupt as stop:
            print(sent, stop.report, loop_thread().run(add(1, 2)))
    """)
    assert (done.stdout, done.stderr) == ("[] None 3\n", "")


def test_ctrl_c_after_the_bytes_waits_for_the_outcome_and_brings_the_report() -> None:
    done = run_script("""
        saved_in = []

        async def publish():
            answer = asyncio.Event()

            async def commit():
                ctrl_c()
                await answer.wait()
                await call_user(lambda: saved_in.append(threading.current_thread().name))
                return "published"

            sending = asyncio.ensure_future(commit())
            try:
                return await asyncio.shield(sending)
            except asyncio.CancelledError:
                answer.set()
                return await asyncio.wait_for(sending, 10)

        try:
            loop_thread().run(publish())
        except KeyboardInterrupt as stop:
            print(stop.report, saved_in)
    """)
    assert (done.stdout, done.stderr) == ("published ['MainThread']\n", "")


def test_ctrl_c_brings_the_report_of_an_error_too() -> None:
    done = run_script("""
        class Failed(Exception):
            report = "one of two"

        async def publish():
            try:
                ctrl_c()
                await asyncio.Event().wait()
            finally:
                raise Failed

        try:
            loop_thread().run(publish())
        except KeyboardInterrupt as stop:
            print(stop.report)
    """)
    assert (done.stdout, done.stderr) == ("one of two\n", "")


def test_a_second_ctrl_c_leaves_at_once_and_saving_goes_on_without_the_thread() -> None:
    done = run_script("""
        async def publish():
            try:
                ctrl_c()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ctrl_c()
                await left.wait()
                saved.set_result(await call_user(lambda: threading.current_thread().name))

        async def main():
            left.set()
            return await saved

        async def prepare():
            return asyncio.Event(), asyncio.get_running_loop().create_future()

        left, saved = loop_thread().run(prepare())
        try:
            loop_thread().run(publish())
        except KeyboardInterrupt as stop:
            print(stop.report, loop_thread().run(main())[:9])
    """)
    assert (done.stdout, done.stderr) == ("None socialkit\n", "")


def test_ctrl_c_inside_a_users_callable_cancels_the_call() -> None:
    done = run_script("""
        async def publish():
            try:
                await call_user(signal.raise_signal, signal.SIGINT)
            except asyncio.CancelledError:
                return "nothing sent"

        try:
            loop_thread().run(publish())
        except KeyboardInterrupt as stop:
            print(stop.report, loop_thread().run(add(1, 2)))
    """)
    assert (done.stdout, done.stderr) == ("nothing sent 3\n", "")


def test_an_interrupt_at_any_moment_loses_no_outcome_and_no_callable() -> None:
    """The signal lands between any two bytecodes; whatever it loses would be missed for the whole grace."""
    done = run_script("""
        class Alarm(KeyboardInterrupt):
            pass

        def ring(*_):
            raise Alarm

        async def publish():
            saving = asyncio.ensure_future(save())
            try:
                await asyncio.shield(saving)
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return await saving

        async def save():
            for func in (int, nested, int, nested, int):
                try:
                    await call_user(func)
                except asyncio.CancelledError:
                    pass
            return "saved"

        def nested():
            loop_thread().run(call_user(int))

        signal.signal(signal.SIGALRM, ring)
        dice, reports, slowest = random.Random(7), set(), 0
        for _ in range(200):
            began = time.monotonic()
            try:
                signal.setitimer(signal.ITIMER_REAL, dice.uniform(0.00005, 0.002))
                loop_thread().run(publish())
            except Alarm as stop:
                reports.add(getattr(stop, "report", None))  # none where it came before the call began
            slowest = max(slowest, time.monotonic() - began)
        print(reports <= {"saved", None}, slowest < 10, loop_thread().run(add(1, 2)))
    """)
    assert done.stdout == "True True 3\n"
    # a signal between making a coroutine and handing it over is out of reach for anybody
    assert "Error" not in done.stderr
    assert "Task" not in done.stderr
    assert "unclosed" not in done.stderr


def test_forked_children_get_a_loop_of_their_own_under_load() -> None:
    done = run_script(
        """
        def work():
            while not stop.is_set():
                assert loop_thread().run(add(1, 2)) == 3

        def child():
            signal.alarm(20)
            os._exit(0 if loop_thread().run(add(2, 2)) == 4 else 1)

        stop = threading.Event()
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        codes = []
        for _ in range(50):
            pid = os.fork() or child()
            codes.append(os.waitpid(pid, 0)[1])
        stop.set()
        for thread in threads:
            thread.join()
        print(set(codes), loop_thread().run(add(3, 3)))
        """,
        *FORKS,
    )
    assert (done.stdout, done.stderr) == ("{0} 6\n", "")


def test_a_forked_child_that_ends_like_a_program_warns_of_nothing() -> None:
    done = run_script(
        """
        loop_thread().run(add(1, 2))
        asyncio.run(call_user(int))
        if pid := os.fork():
            print(os.waitpid(pid, 0)[1], loop_thread().run(add(2, 3)))
        else:
            asyncio.run(call_user(loop_thread().run, add(2, 2)))
        """,
        *FORKS,
    )
    assert (done.stdout, done.stderr) == ("0 5\n", "")


@pytest.mark.parametrize(("ending", "code"), [("None", "1"), ("sys.exit(7)", "7"), ("os._exit(0)", "0")])
def test_a_child_forked_inside_a_callable_ends_without_waiting_for_the_parents_loop(
    ending: str, code: str
) -> None:
    done = run_script(
        f"""
        def fork():
            if pid := os.fork():
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            signal.alarm(20)
            {ending}

        print(loop_thread().run(call_user(fork)))
        """,
        *FORKS,
    )
    assert done.stdout == f"{code}\n"
    assert ("forked inside a callable" in done.stderr) == (code == "1")


def test_at_exit_tasks_are_cancelled_and_may_still_save() -> None:
    """Worker threads are gone by then; the exiting thread runs the callable."""
    done = run_script("""
        async def background():
            try:
                await asyncio.Event().wait()
            finally:
                await call_user(lambda: print("saved in", threading.current_thread().name))

        async def start():
            tasks.append(asyncio.create_task(background()))
            await asyncio.sleep(0)

        tasks = []
        loop_thread().run(start())
    """)
    assert (done.stdout, done.stderr, done.returncode) == ("saved in MainThread\n", "", 0)


def test_at_exit_a_stubborn_task_does_not_keep_the_program() -> None:
    done = run_script("""
        import atexit
        from socialkit import _loop

        async def stubborn():
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    pass

        async def start():
            tasks.append(asyncio.create_task(stubborn()))

        def late():
            coro = add(1, 2)
            try:
                loop_thread().run(coro)
            except RuntimeError as error:
                print(error)

        tasks = []
        loop_thread().run(start())
        atexit.unregister(loop_thread().at_exit)
        atexit.register(late)
        atexit.register(loop_thread().at_exit, 0)
    """)
    assert done.returncode == 0
    assert "the program is ending" in done.stdout


def test_a_program_that_only_imports_starts_no_thread() -> None:
    done = run_script("print(threading.active_count(), is_loop_thread())")
    assert (done.stdout, done.stderr) == ("1 False\n", "")
