"""The framing: parts know what they belong to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamutcli.errors import PayloadError, UsageError
from gamutcli.payload import parts
from gamutcli.payload.parts import MAX_PAYLOAD, body_room, join, parse, split, text_length
from tests.support.camera import noise


@given(st.binary(min_size=1, max_size=400), st.integers(1, 5), st.randoms())
def test_parts_join_in_any_order(payload, count, chance):
    sizes = [len(payload) // count] * (count - 1)
    lines = split(payload, [*sizes, len(payload) - sum(sizes)])
    chance.shuffle(lines)
    assert join(part for line in lines for part in parse(line)) == [payload]


def test_white_space_and_words_around_a_part_mean_nothing():
    (line,) = split(b"payload", [7])
    assert join(parse(b"taken at noon\n" + line[:30] + b"\r\n  " + line[30:])) == [b"payload"]


def test_no_parts_give_nothing():
    assert join(parse(b"an ordinary comment")) == []


def test_a_missing_part_is_named():
    lines = split(b"payload", [3, 4])
    with pytest.raises(PayloadError, match="part 2 of 2 is gone"):
        join(parse(lines[0]))


def test_changed_bytes_are_noticed():
    (line,) = split(b"payload", [7])
    with pytest.raises(PayloadError, match="do not match"):
        join(parse(line.replace(b"cGF5", b"cGF6")))


@pytest.mark.parametrize("text", [b"gamut1:", b"gamut1:1/1:0123456789abcdef:abc", b"gamut1:3/2:0123456789abcdef:aaaa"])
def test_a_mutilated_part_is_damage_and_not_absence(text):
    with pytest.raises(PayloadError):
        join(parse(text))


def test_the_parts_of_another_payload_do_not_disturb():
    old, new = split(b"old one", [3, 4]), split(b"new one", [7])
    assert join(part for line in [old[1], *new] for part in parse(line)) == [b"new one"]


GOOD = split(b"payload", [7])[0]
DAMAGED = {
    "cut short": GOOD[:-6],
    "other bytes": GOOD.replace(b"cGF5", b"cGF6"),
    "no base64": GOOD.replace(b"cGF5", b"c\xc3F5"),
    "misnumbered": GOOD.replace(b"1/1", b"2/1"),
    "a part too many": GOOD.replace(b"1/1", b"1/2"),
    "nothing but the mark": b"gamut1:",
}


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_copy_hides_no_good_one(damaged):
    for text in (damaged + b"\n" + GOOD, GOOD + b"\n" + damaged, damaged + GOOD):
        assert join(parse(text)) == [b"payload"]
    with pytest.raises(PayloadError):
        join(parse(damaged))


def test_damaged_copies_of_several_parts_are_told_from_good_ones():
    payload = bytes(range(90))
    good, other = split(payload, [30, 30, 30]), split(payload[::-1], [30, 30, 30])
    digest = good[0].split(b":")[2]
    forged = [line.replace(line.split(b":")[2], digest) for line in other]
    assert join(part for line in [*forged, *good] for part in parse(line)) == [payload]


def test_only_so_many_ways_to_join_a_payload_are_tried(monkeypatch):
    tried = []
    monkeypatch.setattr(parts, "_digest", lambda whole: tried.append(whole) or b"")
    bodies = [bytes([number]) for number in range(20)]
    with pytest.raises(PayloadError, match="do not match"):
        join(parts.Part(index, 9, b"0" * 16, body) for index in range(1, 10) for body in bodies)
    assert len(tried) == parts.MAX_TRIED


def test_every_payload_that_is_whole_comes_back():
    first, second = split(b"one", [3]), split(b"two", [3])
    assert join(part for line in [*first, *second] for part in parse(line)) == [b"one", b"two"]


@pytest.mark.parametrize("payload", [b"", bytes(MAX_PAYLOAD + 1)])
def test_absurd_payloads_are_refused(payload):
    with pytest.raises(UsageError):
        split(payload, [len(payload)])


@pytest.mark.parametrize("size", [1, 2, 3, 41_999, 42_000])
def test_room_and_length_agree(size):
    (line,) = split(noise(size), [size])
    assert len(line) <= text_length(size)
    assert body_room(text_length(size)) >= size
