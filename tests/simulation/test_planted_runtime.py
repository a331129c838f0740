"""The simulation finds what it is there to find: slips of the run time are planted, and a seed shows each.

Each fault is kept with its seed; as the product moves on other seeds show it, and `python -m tests.simulation.planted`
looks for the first ones.
"""

from __future__ import annotations

import pytest

from tests.simulation.planted import PLANTED, Planted, is_shown


@pytest.mark.parametrize("fault", PLANTED, ids=lambda fault: fault.name)
def test_a_slip_of_the_run_time_is_found(fault: Planted) -> None:
    assert is_shown(fault), fault.harm
