"""One thread of PyTorch in every benchmark; cofire's threads are arguments."""

from __future__ import annotations

import pytest

from peers import optional


@pytest.fixture(autouse=True)
def one_torch_thread():
    """Where PyTorch is installed."""
    torch = optional("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
