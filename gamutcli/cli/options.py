"""Options and arguments that more than one command has, each named, explained and bound to its variables once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from gamutcli.cli import variables
from gamutcli.cli.types import Color, FileName, PictureName, SpaceName

PRESETS = ("fast", "balanced", "best", "paper")
MODELS = ("11kb", "23kb", "53kb", "137kb")
SPACES = ("prophoto", "displayp3", "adobergb", "rec2020", "srgb")
TARGET_SPACES = ("prophoto", "displayp3", "adobergb", "rec2020")
CARRIERS = ("auto", "xmp", "exif", "sidecar")
REDUCED_EXTENSIONS = ("jpg", "png", "webp", "avif", "jxl", "tif")
WIDE_EXTENSIONS = ("tif", "png", "avif", "jxl")
SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
INTENTS = ("relative", "perceptual")
COMPRESSIONS = ("none", "lzw", "deflate", "zstd")
DEVICES = ("auto", "cpu", "cuda")

OPTIMIZERS = ("sgd", "adam", "muon")

Command = TypeVar("Command", bound=Callable[..., Any])

#: Suffixes, as shells propose them.
CARRYING = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".avif", ".jxl")
RAW = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw"),
    *(".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
)
#: Further formats that originals come in: of light, of phones, of archives.
READ_ONLY = (".exr", ".heic", ".heif", ".hif", ".jp2", ".jpx", ".j2k", ".j2c")
#: Originals by their names: those of most bits before those that may be copies of them.
ORIGINALS = (".tif", ".tiff", ".png", ".avif")
OTHER_ORIGINALS = (*READ_ONLY, *RAW, ".jxl", ".jpg", ".jpeg", ".webp")
PAYLOAD = (".gamut",)

FOLDER = FileName()
#: A folder of this machine, or a place in a bucket.
PLACE = FileName(remote=True)
PICTURE = FileName(CARRYING)
REMOTE_PICTURE = FileName(CARRYING, remote=True)
PICTURE_OR_DASH = PictureName(CARRYING)
PAGE = FileName((".html", ".htm"), only=True)
REMOTE_PAGE = FileName((".html", ".htm"), only=True, remote=True)
REMOTE_MAP = FileName((".png",), only=True, remote=True)


def option(*names: str, **settings: Any) -> Callable[[Command], Command]:
    """A click option that can also be set in the environment: --max-payload as GAMUT_MAX_PAYLOAD."""
    long = next(name for name in names if name.startswith("--"))
    return click.option(*names, cls=variables.Option, envvar=variables.variable_of(long[2:]), **settings)


def choice(*names: str, values: tuple[str, ...], **settings: Any) -> Callable[[Command], Command]:
    """An option with a few possible values, told apart without regard to case."""
    return option(*names, type=click.Choice(values, case_sensitive=False), **settings)


output = option("-o", "--output", type=PLACE, metavar="DIR", help="Write the results of all inputs into this folder.")
overwrite = option("--overwrite", is_flag=True, help="Replace outputs that exist; without it they are an error.")
preserve_time = option("-p", "--preserve-time", is_flag=True, help="Give the output the input's modification time.")
force = option("--force", is_flag=True, help="Use the payload although the pixels have changed since.")
allow_slow = option("--allow-slow", is_flag=True, help="Do it although the payload asks for very much work.")
allow_large = option(
    "--allow-large", is_flag=True, help="Read files that claim more than the limits of SECURITY.md allow."
)
carrier = choice(
    "--carrier",
    values=CARRIERS,
    default="auto",
    show_default=True,
    help="Where in the file the payload goes; sidecar: into OUT.gamut beside it.",
)
assume_profile = option(
    "--assume-profile",
    type=SpaceName(SPACES),
    metavar="SPACE|FILE",
    help=f"Colour space of inputs that do not name theirs: {', '.join(SPACES)}, or an .icc file.",
)
intent = choice(
    "--intent",
    values=INTENTS,
    default="relative",
    show_default=True,
    help="What becomes of colours beyond sRGB: clipped, or moved inwards, which keeps texture.",
)
device = choice("--device", values=DEVICES, default="auto", show_default=True, help="Where the network runs.")
steps_scale = option(
    "--steps-scale",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Multiplies every number of steps, for quick runs.",
)
map_range = option(
    "--map-range",
    type=click.FloatRange(min=0, min_open=True),
    default=0.05,
    show_default=True,
    help="Error at the bright end of the maps' scale.",
)
no_metadata = option("--no-metadata", is_flag=True, help="Leave out all metadata but the orientation.")
strip_gps = option("--strip-gps", is_flag=True, help="Leave out where the picture was taken.")
quiet = option("-q", "--quiet", is_flag=True, help="Say nothing but errors and what --json asks for.")
verbose = option("-v", "--verbose", count=True, help="Tell every stage and its time; -v -v shows tracebacks.")
as_json = option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def reading(command: Command) -> Command:
    """The options on how an original is read, where its file leaves a choice."""
    page = option("--page", type=click.IntRange(min=1), metavar="N", help="Which picture of a file that holds several.")
    background = option(
        "--background",
        type=Color(),
        metavar="COLOR",
        help="What shows through a transparent picture: white, '#808080'.",
    )
    linear = option("--linear", is_flag=True, help="Inputs that do not say otherwise hold light, without a curve.")
    exposure = option(
        "--exposure", type=click.FloatRange(-20, 20), default=0.0, metavar="EV", help="Make the input's light brighter."
    )
    return assume_profile(linear(exposure(page(background(command)))))


def speech(command: Command) -> Command:
    """The options on what is said: --json, -q and -v."""
    return as_json(quiet(verbose(command)))


def privacy(command: Command) -> Command:
    """The options on what of the camera's metadata is kept."""
    return no_metadata(strip_gps(command))


def targets(*suffixes: str) -> Callable[[Command], Command]:
    """The arguments and options on where results go: IN OUT, or IN... -o DIR; shells propose these suffixes."""
    files = click.argument(
        "files", nargs=-1, required=True, type=PictureName(suffixes), metavar="IN OUT | IN... -o DIR"
    )

    def add(command: Command) -> Command:
        return files(output(overwrite(preserve_time(command))))

    return add
