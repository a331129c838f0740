"""Tasks: what people ask to be done with certain records, worked off inside the mapping's session.

Whatever changes couplings or records is done by a run of the mapping, in slices and fenced by its ledger, so that no
synchronization works on the same records at the same time.
"""
