"""One thread a test process: two processes of two threads on two cores take turns instead of working."""

import torch

torch.set_num_threads(1)
