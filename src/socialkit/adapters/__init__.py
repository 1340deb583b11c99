"""One module per platform; :mod:`socialkit.registry` loads them when they are asked for."""
