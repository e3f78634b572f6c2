"""Libraries of C++ are kept from writing to the program's own output."""

from __future__ import annotations

import os
import subprocess
import sys

import imagecodecs
import numpy as np
import pytest

from gamutcli.images import decode_reduced
from gamutcli.images.silence import silenced
from tests.support.camera import camera_exif, with_chunks


def test_what_is_written_inside_is_gone_and_what_is_written_outside_stays(capfd: pytest.CaptureFixture[str]) -> None:
    os.write(1, b"before ")
    with silenced():
        os.write(1, b"inside")
        os.write(2, b"inside")
        print("inside")  # noqa: T201
    os.write(1, b"after")
    os.write(2, b"after")
    assert capfd.readouterr() == ("before after", "after")


def test_an_error_inside_comes_out_and_the_output_comes_back(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="wrong"), silenced():
        raise ValueError("wrong")
    os.write(1, b"after")
    assert capfd.readouterr().out == "after"


@pytest.mark.skipif(os.name != "posix", reason="POSIX descriptors")
def test_closed_descriptors_are_no_matter() -> None:
    script = "import os; os.close(1); os.close(2)\nfrom gamutcli.images.silence import silenced\nwith silenced(): pass"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_what_libpng_has_to_say_of_a_reduced_picture_is_not_heard(capfd: pytest.CaptureFixture[str]) -> None:
    codes = np.zeros((4, 4, 3), np.uint8)
    twice = [(b"eXIf", camera_exif())] * 2
    np.testing.assert_array_equal(decode_reduced(with_chunks(imagecodecs.png_encode(codes), *twice)), codes)
    assert capfd.readouterr() == ("", "")
