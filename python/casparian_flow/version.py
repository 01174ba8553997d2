"""The version of the SDK, as the guest reports it to its host."""

VERSION = "0.1.0"
