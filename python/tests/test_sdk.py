"""The classes as a plugin author meets them outside of a guest, e.g. in tests."""

import pytest

from casparian_flow.sdk import BasePlugin, FileEvent, PluginMetadata


def test_metadata_needs_a_pattern_and_a_topic():
    assert PluginMetadata("*.csv", "sales") == PluginMetadata(
        pattern="*.csv", topic="sales", priority=50, subscriptions=[], sinks={}, version="1.0.0", description=""
    )


def test_the_event_opens_its_path_without_a_descriptor(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    event = FileEvent(str(tmp_path / "a"), 7)
    assert (event.file_id, event.event_type, event.metadata, event.fd) == (7, "file_found", {}, None)
    with event.open() as file:
        assert file.read() == b"abc"


def test_readers_of_one_descriptor_do_not_disturb_each_other(tmp_path):
    (tmp_path / "a").write_bytes(bytes(range(256)) * 2000)
    with open(tmp_path / "a", "rb") as shared:
        shared.seek(5)
        event = FileEvent("somewhere else", 7, fd=shared.fileno())
        with event.open() as one, event.open() as other:
            one.seek(-3, 2)
            assert one.read() == bytes([253, 254, 255])
            assert other.read(2) == bytes([0, 1])
            assert (one.tell(), other.tell()) == (512_000, 2)
            assert other.seek(1, 1) == 3
            assert len(other.read()) == 512_000 - 3
            with pytest.raises(ValueError):
                other.seek(-1)
        assert shared.tell() == 5


def test_a_handler_can_be_made_and_tried_without_a_guest():
    class Handler(BasePlugin):
        def execute(self, path):
            self.log.info("fine")
            self.publish("out", {"path": path, **self.config})

    handler = Handler()
    handler.configure(None, {"k": 1})
    with pytest.raises(RuntimeError, match="works inside a job; in a test, replace it"):
        handler.execute("p")
    published = []
    handler.publish = lambda topic, data: published.append((topic, data))
    handler.consume(FileEvent("p", 1))
    assert published == [("out", {"path": "p", "k": 1})]
