"""Libraries of C++ are kept from writing to the program's own output."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gamutcli.images.silence import silenced


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
