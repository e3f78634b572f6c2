"""XMP: packets whose elements and attributes are others, whose names clash, whose words are in other encodings."""

from __future__ import annotations

import re
from random import Random

from tests.fuzz.chance import scrambled
from tests.fuzz.content.payload import disturbed_line, in_lines

_TAG = re.compile(r"<(?!\?)[^<>]*>")
_ATTRIBUTE = re.compile(r"""[\w:]+\s*=\s*(?:"[^"]*"|'[^']*')""")
_LINE = re.compile(r"gamut1:[A-Za-z0-9+/:=\s]*")
_NS = "https://gamutcli.github.io/ns/1.0/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_NOTE = "http://ns.adobe.com/xmp/note/"
_WORDS = (
    "&amp;",
    "&#10;",
    "&#0;",
    "&lol;",
    "<![CDATA[<x>]]>",
    "<!-- gamut1: -->",
    "<?xpacket end='w'?>",
    "\ufeff",
    "é",
    "\U0001f33a",
    "]]>",
    "<",
    "xmlns:gamut='urn:x'",
    "rdf:parseType='Resource'",
    "xml:lang='x-default'",
    "<rdf:li/>",
    f"<a:b xmlns:a='{_NS}'/>",
    f"<rdf:Description rdf:about='' xmlns:x='{_NOTE}' x:HasExtendedXMP='{'0' * 32}'/>",
    "<rdf:Description rdf:about='' xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation='6'/>",
    "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]>",
)
_NAMES = ("rdf:Description", "rdf:RDF", "x:xmpmeta", "rdf:Bag", "rdf:li", "gamut:Payload", "gamut:Other", "dc:title")
_ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "utf-8-sig")


def disturbed(chance: Random, data: bytes) -> bytes:
    """A packet with one to three changes in its text, in another encoding now and then."""
    if chance.random() < 0.1:
        return scrambled(chance, data)
    text = data.decode("utf-8", "replace")
    for _ in range(chance.choice((1, 1, 2, 3))):
        text = chance.choice(_WAYS)(chance, text)
    encoding = chance.choice(_ENCODINGS) if chance.random() < 0.15 else "utf-8"
    encoded = text.encode(encoding, "replace")
    return scrambled(chance, encoded) if chance.random() < 0.05 else encoded


def _insert_word(chance: Random, text: str) -> str:
    at = _place(chance, text)
    return text[:at] + chance.choice(_WORDS) + text[at:]


def _delete_tag(chance: Random, text: str) -> str:
    return _with_one(chance, text, _TAG, lambda found: "")


def _double_tag(chance: Random, text: str) -> str:
    return _with_one(chance, text, _TAG, lambda found: found * chance.choice((2, 2, 50)))


def _rename(chance: Random, text: str) -> str:
    return text.replace(chance.choice(_NAMES), chance.choice(_NAMES), chance.choice((1, -1)))


def _change_attribute(chance: Random, text: str) -> str:
    values = ("", "x" * 3000, _NS, _RDF, "&quot;", "gamut1:1/1:0:")

    def change(found: str) -> str:
        name = found.split("=")[0]
        return chance.choice(("", found + " " + found, f'{name}="{chance.choice(values)}"', f'z{found} a{found}="" '))

    return _with_one(chance, text, _ATTRIBUTE, change)


def _change_line(chance: Random, text: str) -> str:
    def change(found: str) -> str:
        return disturbed_line(chance, found.encode()).decode("latin-1")

    return _with_one(chance, text, _LINE, change)


def _change_payload(chance: Random, text: str) -> str:
    def change(found: str) -> str:
        return in_lines(chance, chance.choice((b"GMUT", found.encode()[:900], chance.randbytes(60)))).decode("latin-1")

    return _with_one(chance, text, _LINE, change)


def _as_attribute(chance: Random, text: str) -> str:
    """The payload as an attribute where it was an element, or the other way round."""
    match = re.search(r"<gamut:Payload>(.*?)</gamut:Payload>|gamut:Payload=[\"'](.*?)[\"']", text, re.DOTALL)
    if match is None:
        return text
    line = match[1] or match[2] or ""
    forms = (
        f"<rdf:Description gamut:Payload='{line}'/>",
        f"<gamut:Payload><rdf:Bag><rdf:li>{line}</rdf:li></rdf:Bag></gamut:Payload>",
        f"<gamut:Payload rdf:parseType='Literal'>{line}</gamut:Payload>",
        f"<gamut:Payload><!-- -->{line[:40]}<!-- -->{line[40:]}</gamut:Payload>",
        f"<gamut:Payload rdf:resource='{line}'/>",
        f"<gamut:Payload><![CDATA[{line}]]></gamut:Payload>",
    )
    return text[: match.start()] + chance.choice(forms) + text[match.end() :]


def _nest(chance: Random, text: str) -> str:
    depth = chance.choice((2, 90, 101, 3000))
    at = _place(chance, text)
    return text[:at] + "<a>" * depth + "</a>" * depth + text[at:]


def _multiply(chance: Random, text: str) -> str:
    at = _place(chance, text)
    return text[:at] + chance.choice(("<a/>", "<a b=''/>", " ", "<rdf:li>x</rdf:li>")) * 20_000 + text[at:]


def _double(chance: Random, text: str) -> str:
    return text + text


def _with_one(chance: Random, text: str, pattern: re.Pattern[str], change: object) -> str:
    found = list(pattern.finditer(text))
    if not found:
        return text
    match = chance.choice(found)
    return text[: match.start()] + change(match[0]) + text[match.end() :]  # type: ignore[operator]


def _place(chance: Random, text: str) -> int:
    """Between two tags, or anywhere."""
    tags = [match.end() for match in _TAG.finditer(text)]
    return chance.choice(tags) if tags and chance.random() < 0.8 else chance.randrange(len(text) + 1)


_WAYS = (
    _insert_word,
    _insert_word,
    _delete_tag,
    _double_tag,
    _rename,
    _change_attribute,
    _change_line,
    _change_line,
    _change_payload,
    _as_attribute,
    _nest,
    _multiply,
    _double,
)
