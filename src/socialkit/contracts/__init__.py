"""Contract suites to subclass in your own tests: for an adapter and its sandbox, for a store, for a token store.

    from socialkit.testing import AdapterContract

    class TestBoats(AdapterContract):
        platform = "boats"

The tests are plain methods: pytest runs them without a plugin, and whatever the adapter's rules do not declare
is skipped.
"""

from ._adapters import AdapterContract
from ._stores import StoreContract, TokenStoreContract

__all__ = ["AdapterContract", "StoreContract", "TokenStoreContract"]
