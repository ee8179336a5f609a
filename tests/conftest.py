"""What all test processes share.

One thread each: two processes of two threads on two cores take turns instead of working. And Ctrl-C is heard,
by them and by the programs that they start, even where a shell has it ignored, as in the background.
"""

import signal

import torch

torch.set_num_threads(1)


def pytest_configure() -> None:
    """Hear Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
