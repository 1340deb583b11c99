"""The bars: what socialkit promises in numbers, each measured beside a peer on the same work.

``python -m bench`` measures all of them from the repository root, ``python -m bench 6`` one; a missed target makes it
exit with 1. A bar is the file ``bar_NN_name.py``: functions that measure take their size, ``judge`` turns numbers
into rows, ``run`` measures at full size.
"""
