"""Platforms by name: built in, from other packages, and what is said when there is none."""

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from socialkit import registry
from socialkit.adapters.base import CONTRACT, Adapter
from socialkit.errors import ConfigError


class Boat(Adapter):
    platform = "boat"


class OldBoat(Adapter):
    platform = "oldboat"
    contract = CONTRACT - 1


class BoatBox:
    platform = "boat"


NOT_A_CLASS = 3


@pytest.fixture
def installed(monkeypatch):
    """Pretend that packages with these entry points are installed."""

    def install(*points, group="socialkit.adapters"):
        made = EntryPoints(EntryPoint(name, f"{__name__}:{target}", group) for name, target in points)
        monkeypatch.setattr("importlib.metadata.entry_points", lambda **wanted: made.select(**wanted))
        monkeypatch.setitem(sys.modules, __name__, sys.modules[Boat.__module__])

    registry._plugins.cache_clear()
    yield install
    registry._plugins.cache_clear()


class TestBuiltIn:
    @pytest.mark.parametrize("platform", ["bluesky", "mastodon", "x"])
    def test_is_found_by_its_platform(self, platform):
        cls = registry.adapter(platform)
        assert issubclass(cls, Adapter)
        assert cls.platform == platform
        assert cls.contract == CONTRACT

    def test_all_are_listed_sorted(self):
        found = registry.platforms()
        assert {"bluesky", "mastodon", "x"} <= set(found)
        assert list(found) == sorted(found)

    def test_every_one_has_a_sandbox(self):
        boxes = registry.sandbox_boxes()
        assert {"bluesky", "mastodon", "x"} <= set(boxes)
        assert all(cls.platform == name for name, cls in boxes.items())

    def test_only_the_sandboxes_asked_for_are_loaded(self):
        code = "import sys; from socialkit.sandbox import Sandbox; Sandbox(['x']); print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        loaded = set(done.stdout.split())
        others = {f"socialkit.sandbox.{name}" for name in registry.sandbox_boxes() if name != "x"}
        assert "socialkit.sandbox.x" in loaded
        assert not loaded & others

    def test_the_public_names_are_known(self):
        assert registry.class_home("X") == "socialkit.adapters.x"
        assert registry.class_home("Post") is None


class TestUnknown:
    @pytest.mark.parametrize("asked", ["mastodn", "Mastodon"])
    def test_the_nearest_name_is_offered(self, asked):
        with pytest.raises(ConfigError, match="did you mean 'mastodon'"):
            registry.adapter(asked)

    def test_without_a_near_one_all_are_named(self):
        with pytest.raises(ConfigError, match=r"no platform 'qqq'\. Known: bluesky, .*mastodon, .*x"):
            registry.adapter("qqq")


class TestOtherPackages:
    def test_their_adapters_are_first_class(self, installed):
        installed(("boat", "Boat"))
        assert registry.adapter("boat").__qualname__ == "Boat"
        assert "boat" in registry.platforms()

    def test_their_sandboxes_too(self, installed):
        installed(("boat", "BoatBox"), group="socialkit.sandbox")
        assert registry.sandbox_boxes()["boat"].__qualname__ == "BoatBox"

    @pytest.mark.parametrize(
        ("name", "target", "fault"),
        [
            (
                "oldboat",
                "OldBoat",
                f"contract {CONTRACT - 1}, this socialkit {CONTRACT}: upgrade the adapter",
            ),
            ("ship", "Boat", "registered as 'ship' but calls itself 'boat'"),
            ("boat", "BoatBox", "is no socialkit.adapters.base.Adapter"),
            ("boat", "NOT_A_CLASS", "is not a class"),
            ("boat", "Missing", "cannot load"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, installed, name, target, fault):
        installed((name, target))
        with pytest.raises(ConfigError, match=fault):
            registry.adapter(name)

    def test_a_name_of_ours_cannot_be_taken(self, installed):
        installed(("mastodon", "Boat"))
        with pytest.raises(ConfigError, match=r"two .*'mastodon'.*socialkit itself"):
            registry.platforms()
        assert registry.adapter("mastodon").__module__ == "socialkit.adapters.mastodon"

    def test_two_packages_cannot_share_a_name(self, installed):
        installed(("boat", "Boat"), ("boat", "OldBoat"))
        with pytest.raises(ConfigError, match="uninstall one"):
            registry.adapter("boat")
