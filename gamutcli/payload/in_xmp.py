"""The payload in XMP packets: a property of our own namespace, in a description of its own."""

from __future__ import annotations

from dataclasses import dataclass

from gamutcli.containers import xmp
from gamutcli.containers.xmp import Allowance, Packet
from gamutcli.errors import InputError
from gamutcli.payload import parts
from gamutcli.payload.parts import Damage, Part

NAMESPACE = "https://gamutcli.github.io/ns/1.0/"
PREFIX, NAME = "gamut", "Payload"
PAYLOAD = f"{NAMESPACE} {NAME}"


@dataclass(frozen=True)
class Unreadable:
    """A packet that cannot be parsed: its bytes, and why."""

    data: bytes
    reason: str

    @property
    def is_ours(self) -> bool:
        """Whether it names our namespace: then a payload may be lost in it."""
        return names_us(self.data)

    def __bytes__(self) -> bytes:
        return self.data


def names_us(packet: bytes) -> bool:
    """Tell, without parsing it, whether a packet names our namespace: in UTF-8, 16 or 32."""
    return NAMESPACE.encode() in packet or NAMESPACE.encode() in packet.replace(b"\0", b"")


def open_packet(packet: bytes, allowance: Allowance | None = None) -> Packet | Unreadable:
    """Parse a packet, once for all that follows; the allowance is that of its file."""
    try:
        return xmp.parse(packet, PAYLOAD, allowance=allowance)
    except InputError as error:
        return Unreadable(packet, str(error))


def find(packet: Packet | Unreadable) -> list[Part | Damage]:
    """Return the parts in a packet; a broken packet counts as damage only when it names our namespace."""
    if isinstance(packet, Unreadable):
        return [Damage(f"the payload is damaged: {packet.reason}")] if packet.is_ours else []
    found: list[Part | Damage] = []
    for text in packet.values(PAYLOAD):
        read = parts.parse(text.encode("ascii", "replace"))
        found += read or [Damage("the payload is damaged, or a newer version of gamutcli has written it")]
    return found


def remove(packet: Packet | Unreadable) -> Packet | Unreadable | None:
    """Return the packet without the payload; None when nothing else was in it, or it is ours and broken."""
    if isinstance(packet, Unreadable):
        return None if packet.is_ours else packet
    rest = packet.without(PAYLOAD)
    return None if rest.is_silent else rest


def insert(packet: Packet | None, line: bytes) -> Packet:
    """Return a packet that holds no part with one in it; None starts a new packet."""
    return (packet or xmp.parse(None)).with_property(PREFIX, NAMESPACE, NAME, line.decode())
