"""A process between us and a simulator: it ends when the simulator does, and nothing outlives it.

    python -I -S supervisor.py MEMORY_BYTES PROGRAM [ARGUMENT ...]

Whoever starts it holds the other end of its standard input. When that closes, by intent or because its holder
was killed, the simulator is asked to end, and after `GRACE_S` killed, with all that it started: orphans are
adopted (on Linux), so that nothing escapes by forking twice or by a session of its own. Where this process
itself is killed, so is the simulator (on Linux), but not what that started. MEMORY_BYTES limits the address
space of every process of the simulator; 0 is no limit. The exit status is the simulator's; where a signal ended
it, that signal ends this process, too. Only the standard library is imported: it starts quickly.
"""

import ctypes
import os
import resource
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

GRACE_S = 2.0
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
NO_PROGRAM = 127
"""Exit status where the program cannot be started, as of a shell."""


def main(memory_bytes: int, command: list[str]) -> None:
    """Run the command, and end as it does."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    ours = os.getpid()
    program = os.fork()
    if program == 0:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != ours:  # it was killed before that took hold
            os._exit(NO_PROGRAM)
        _become(command, memory_bytes)
    if not _ended(program, woken, None):
        _send(os.killpg, program, signal.SIGTERM)
        _ended(program, woken, GRACE_S)
    _end_like(_kill_all(program))


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _become(command: list[str], memory_bytes: int) -> None:
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        os.execvp(command[0], command)
    except (OSError, MemoryError) as error:
        os.write(2, f"{command[0]} cannot be started: {error}\n".encode())
    os._exit(NO_PROGRAM)


def _ended(program: int, woken: int, seconds: float | None) -> bool:
    """Wait for the program, which is left unreaped; False: standard input closed, or `seconds` went by."""
    deadline = None if seconds is None else monotonic() + seconds
    watched = [woken, 0] if seconds is None else [woken]
    while os.waitid(os.P_PID, program, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        left = None if deadline is None else deadline - monotonic()
        if left is not None and left <= 0:
            return False
        ready, _, _ = select.select(watched, [], [], left)
        if 0 in ready:
            return False
        if woken in ready:
            os.read(woken, 4096)
    return True


def _kill_all(program: int) -> int:
    """Kill the program's group, and all descendants; the program's wait status."""
    status = 0
    _send(os.killpg, program, signal.SIGKILL)
    while True:
        for child in _children():
            _send(os.kill, child, signal.SIGKILL)
        try:
            pid, how = os.waitpid(-1, 0)
        except ChildProcessError:
            return status
        if pid == program:
            status = how


def _send(kill: Callable[[int, int], None], target: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        kill(target, number)


def _children() -> list[int]:
    """Own children, the adopted ones among them, as far as the system tells."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def _end_like(status: int) -> None:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
