"""What a file is, by how it begins; and of formats that cannot be read, why, and what helps.

The formats that gamutcli reads have a title only. The others are met in the folders of people who take pictures:
documents of picture editors, videos, what systems and programs leave beside photographs, and what downloads leave
instead of them.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import NamedTuple

from gamutcli.errors import InputError

#: Bytes from a file's start that tell all formats apart; 16 tell those that gamutcli reads.
HEAD = 4096
#: How a camera RAW is named: most are TIFF files inside, so that the name alone tells them.
RAW_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        *("3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "iiq", "kdc", "mef", "mos", "mrw", "nef"),
        *("nrw", "orf", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f"),
    )
)


class Format(NamedTuple):
    """A format of files, or what else lies among pictures.

    Attributes:
        title: In a sentence, after "is".
        why: It cannot be read, as a clause that goes on from the title; empty where gamutcli reads the format.
        way_out: What to do.
    """

    title: str
    why: str = ""
    way_out: str = ""


_LAYERS = "whose layers only the program that made it puts together rightly"
_SHAPES = "which holds shapes and text, not the pixels of a photograph"
_EIGHT_BITS = "which holds 8 bits and does not say which colours they are, so there is nothing to restore"
_LIGHT = "whose brightness has no upper end"
_MOVING = "not a photograph"
_ASIDE = "not a picture"
_TIFF = "as a 16-bit TIFF with its profile"
_FROM_SOURCE = f"export the picture {_TIFF} from the program that made it"
_FRAME = f"export the frame you want {_TIFF} from a video editor that manages colours, such as DaVinci Resolve"
_UNPACK = "unpack it and name the picture in it"
_NAME_THE_PICTURE = "name the picture that it goes with"

_FORMATS = {
    "tiff": Format("a TIFF"),
    "png": Format("a PNG"),
    "jpeg": Format("a JPEG"),
    "webp": Format("a WebP"),
    "avif": Format("an AVIF"),
    "heic": Format("a HEIC"),
    "jxl": Format("a JPEG XL"),
    "jp2": Format("a JPEG 2000"),
    "exr": Format("an OpenEXR file"),
    "raw": Format("a camera RAW"),
    # Documents of picture editors.
    "psd": Format("a Photoshop document", _LAYERS, f"in Photoshop, flatten it and save a copy {_TIFF}"),
    "xcf": Format("a GIMP document", _LAYERS, "in GIMP, choose File > Export As, name it .tif, and keep 16 bits"),
    "kra": Format("a Krita document", _LAYERS, f"in Krita, choose File > Export and save it {_TIFF}"),
    "ora": Format("an OpenRaster document", _LAYERS, f"in Krita, MyPaint or GIMP, export it {_TIFF}"),
    "affinity": Format("an Affinity document", _LAYERS, f"in Affinity Photo, choose File > Export and save it {_TIFF}"),
    "psp": Format("a PaintShop Pro document", _LAYERS, f"in PaintShop Pro, save a copy {_TIFF}"),
    "pdn": Format("a Paint.NET document", _LAYERS, "Paint.NET works in 8 bits of sRGB: reduce the original instead"),
    "clip": Format("a Clip Studio document", _LAYERS, f"in Clip Studio Paint, export it {_TIFF}"),
    "eip": Format("a Capture One package", "which holds a RAW and its settings", f"in Capture One, export it {_TIFF}"),
    "lfp": Format("a Lytro light field", "not one picture but many", f"in Lytro Desktop, export the picture {_TIFF}"),
    # Pictures that few programs write.
    "jxr": Format(
        "a JPEG XR",
        "which Windows writes for HDR screenshots and gamutcli does not decode",
        f"open it in the program that made it, or in Windows Photos, and export the picture {_TIFF}",
    ),
    "jls": Format("a JPEG-LS", "which gamutcli does not decode", _FROM_SOURCE),
    "dpx": Format("a DPX film scan", "whose code values may be logarithmic", _FRAME),
    "cineon": Format("a Cineon film scan", "whose code values are logarithmic", _FRAME),
    "hdr": Format("a Radiance HDR picture", _LIGHT, f"in the program that made it, tone-map it and export it {_TIFF}"),
    "pfm": Format("a portable float map", _LIGHT, f"in the program that made it, tone-map it and export it {_TIFF}"),
    "pnm": Format("a portable pixmap (PPM, PGM, PBM)", "which does not say which colours it holds", _FROM_SOURCE),
    "pcd": Format(
        "a Kodak Photo CD picture",
        "which gamutcli does not decode",
        "convert it to a 16-bit TIFF with pcdtojpeg or ImageMagick",
    ),
    "bpg": Format("a BPG", "which gamutcli does not decode", _FROM_SOURCE),
    "flif": Format("a FLIF", "which gamutcli does not decode", _FROM_SOURCE),
    "miff": Format(
        "an ImageMagick MIFF",
        "which gamutcli does not decode",
        "convert it to a 16-bit TIFF: magick IN -depth 16 OUT.tif",
    ),
    "djvu": Format("a DjVu", "scanned pages rather than a photograph", _FROM_SOURCE),
    "gif": Format(
        "a GIF", "which holds 256 colours of sRGB, so there is nothing to restore", "reduce its original instead"
    ),
    "bmp": Format("a BMP", _EIGHT_BITS, "reduce the picture that it was made from instead"),
    "tga": Format("a Targa picture", _EIGHT_BITS, _FROM_SOURCE),
    "pcx": Format("a PCX", _EIGHT_BITS, "reduce the picture that it was made from instead"),
    "sgi": Format("an SGI picture", "which does not say which colours it holds", _FROM_SOURCE),
    "qoi": Format("a QOI", _EIGHT_BITS, "reduce the picture that it was made from instead"),
    "dds": Format("a DirectX texture", "not a photograph", _FROM_SOURCE),
    "ico": Format("an icon", "not a photograph", "reduce the picture that it was made from instead"),
    "mng": Format("an MNG", "a sequence of pictures", _FROM_SOURCE),
    "avis": Format("an AVIF sequence", "a sequence of pictures", "export the picture you want from it"),
    # Shapes and pages.
    "svg": Format("an SVG drawing", _SHAPES, f"in Inkscape or another drawing program, export it {_TIFF} or PNG"),
    "pdf": Format(
        "a PDF or Illustrator document", _SHAPES, f"in Acrobat, Illustrator or Affinity, export its picture {_TIFF}"
    ),
    "eps": Format("a PostScript or EPS document", _SHAPES, f"in Photoshop or Illustrator, export it {_TIFF}"),
    "compound": Format("a Microsoft or FlashPix document", _ASIDE, "save the picture in it as a file of its own"),
    # Science.
    "fits": Format(
        "a FITS", "whose numbers are a measurement, not colours", f"stretch it in Siril and save it {_TIFF}"
    ),
    "xisf": Format(
        "a PixInsight XISF", "whose numbers are a measurement, not colours", f"in PixInsight, save it {_TIFF}"
    ),
    "dicom": Format("a DICOM", "a medical picture without colours", "there is nothing to restore in it"),
    "hdf5": Format("an HDF5 file", "whose numbers are data, not colours", _FROM_SOURCE),
    "npy": Format(
        "a NumPy array", "which does not say which colours it holds", f"write it {_TIFF}, with tifffile for one"
    ),
    # Moving pictures and sound.
    "r3d": Format("a REDCODE clip", "a video", _FRAME),
    "video": Format("a video", _MOVING, _FRAME),
    "audio": Format("a sound recording", _ASIDE, "name a picture"),
    # What lies beside pictures.
    "payload": Format("a gamutcli payload alone", "without the picture that it restores", _NAME_THE_PICTURE),
    "xmp": Format("an XMP sidecar", "which holds what is said of a picture, not its pixels", _NAME_THE_PICTURE),
    "icc": Format("an ICC profile", "which says what colours mean and holds no picture", _NAME_THE_PICTURE),
    "appledouble": Format(
        "what macOS keeps beside a file",
        "labels and icons, no pixels",
        "name the file without ._ at its start",
    ),
    "dsstore": Format("how macOS shows a folder", "no picture", "leave it out"),
    "plist": Format(
        "a property list of Apple's", "no picture", "download the picture itself, if it is still in iCloud"
    ),
    "catalogue": Format(
        "a database, as catalogues of photographs are", "without their pixels", f"in that program, export them {_TIFF}"
    ),
    "shortcut": Format("a shortcut of Windows", "no picture", "name the picture that it leads to"),
    "zip": Format("a ZIP archive", _ASIDE, _UNPACK),
    "archive": Format("an archive", _ASIDE, _UNPACK),
    # What is there instead of them.
    "lfs": Format("a pointer of Git LFS", "without the file itself", "fetch it with git lfs pull"),
    "html": Format(
        "a web page", "saved under the name of a picture", "open it in a browser and save the picture itself"
    ),
    "xml": Format("an XML text", _ASIDE, _NAME_THE_PICTURE),
    "text": Format("a text", _ASIDE, "name the picture that it goes with, or export the picture again"),
    "zeros": Format(
        "nothing but zeros",
        "as when a copy or a download did not end or a card is failing",
        "copy it from where it came from again",
    ),
    "unknown": Format("not a picture that gamutcli knows", "", _FROM_SOURCE),
}

# Patterns of a file's start, the first that fits counts: those of pictures before those that are short or lenient.
_BEGINNINGS = [
    (name, re.compile(pattern, re.DOTALL))
    for name, pattern in (
        ("tiff", rb"II\*\0|MM\0\*|II\+\0|MM\0\+"),
        ("png", rb"\x89PNG\r\n\x1a\n"),
        ("jls", rb"\xff\xd8\xff\xf7"),
        ("jpeg", rb"\xff\xd8\xff"),
        ("webp", rb".{8}WEBP"),
        ("avif", rb".{4}ftypavif"),
        ("avis", rb".{4}ftypavis"),
        ("raw", rb".{4}ftypcrx|FUJIFILMCCD-RAW|\0MRM|FOVb|II(?:RO|RS|U\0)|MMOR|II.{4}HEAPCCDR"),
        ("heic", rb".{4}ftyp(?:hei|hev|mif1|msf1)"),
        ("jxl", rb"\xff\x0a|.{4}JXL \r\n\x87\n"),
        ("jp2", rb".{4}jP  \r\n\x87\n|\xff\x4f\xff\x51"),
        ("exr", rb"v/1\x01"),
        ("psd", rb"8BPS"),
        ("xcf", rb"gimp xcf"),
        ("kra", rb"PK\x03\x04.{26}mimetypeapplication/x-k"),
        ("ora", rb"PK\x03\x04.{26}mimetypeimage/openraster"),
        ("eip", rb"PK\x03\x04.{0,4000}(?:CaptureOne|\.cos|manifest\d*\.xml)"),
        ("affinity", rb"\0\xffKA"),
        ("psp", rb"Paint Shop Pro Image File"),
        ("pdn", rb"PDN3"),
        ("clip", rb"CSFCHUNK"),
        ("lfp", rb"\x89LFP"),
        ("jxr", rb"II\xbc"),
        ("dpx", rb"SDPX|XPDS"),
        ("cineon", rb"\x80\x2a\x5f\xd7|\xd7\x5f\x2a\x80"),
        ("hdr", rb"#\?(?:RADIANCE|RGBE)"),
        ("pfm", rb"P[Ff]\s"),
        ("pnm", rb"P[1-7]\s"),
        ("pcd", rb".{2048}PCD_IPI"),
        ("bpg", rb"BPG\xfb"),
        ("flif", rb"FLIF"),
        ("miff", rb"id=ImageMagick"),
        ("djvu", rb"AT&TFORM"),
        ("gif", rb"GIF8[79]a"),
        ("bmp", rb"BM.{4}\0{4}"),
        ("pcx", rb"\x0a[\x00-\x05][\x00\x01][\x01\x02\x04\x08]"),
        ("sgi", rb"\x01\xda[\x00\x01][\x01\x02]"),
        ("qoi", rb"qoif"),
        ("dds", rb"DDS "),
        ("ico", rb"\0\0[\x01\x02]\0[^\0]\0|icns"),
        ("mng", rb"[\x8a\x8b][MJ]NG\r\n"),
        ("pdf", rb"%PDF"),
        ("eps", rb"%!PS|\xc5\xd0\xd3\xc6"),
        ("compound", rb"\xd0\xcf\x11\xe0"),
        ("fits", rb"SIMPLE  ="),
        ("xisf", rb"XISF0100"),
        ("dicom", rb".{128}DICM"),
        ("hdf5", rb"\x89HDF\r\n"),
        ("npy", rb"\x93NUMPY"),
        ("r3d", rb".{4}RED[12]"),
        ("video", rb".{4}(?:ftyp(?!M4A)|moov|mdat|wide|pnot)|RIFF.{4}(?:AVI |CDXA)|FLV|\x1aE\xdf\xa3"),
        ("video", rb"\0\0\x01[\xba\xb3]|\x30\x26\xb2\x75|\x47.{187}\x47|.{4}\x47.{191}\x47|\x06\x0e\x2b\x34"),
        ("audio", rb"ID3|fLaC|OggS|RIFF.{4}WAVE|FORM.{4}AIF|.{4}ftypM4A"),
        ("payload", rb"GMUT"),
        ("icc", rb".{36}acsp"),
        ("appledouble", rb"\0\x05\x16\x07"),
        ("dsstore", rb"\0\0\0\x01Bud1"),
        ("plist", rb"bplist0"),
        ("catalogue", rb"SQLite format 3"),
        ("shortcut", rb"L\0\0\0\x01\x14\x02\0|\[InternetShortcut\]"),
        ("zip", rb"PK\x03\x04|PK\x05\x06"),
        ("archive", rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!|\x28\xb5\x2f\xfd|.{257}ustar"),
        ("lfs", rb"version https://git-lfs"),
        ("html", rb"(?i:(?:\xef\xbb\xbf)?\s*(?:<(?:\?xml|!--).{0,500}?>\s*)?(?:<!doctype html|<html|<head|<body))"),
        ("svg", rb"(?:\xef\xbb\xbf)?\s*(?:<(?:\?|!).{0,2000})?<svg[\s:>]"),
        ("xmp", rb"(?:\xef\xbb\xbf)?\s*(?:<\?.{0,500})?<(?:\?xpacket|x:x[am]pmeta)"),
        ("xml", rb"(?:\xef\xbb\xbf)?\s*<\?xml"),
    )
]
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b")
# Formats that nothing but their name shows.
_BY_NAME = {".tga": "tga", ".targa": "tga", ".svgz": "svg"}


def sniff(data: bytes) -> str:
    """Name the format of a file by its start, "unknown" when that shows none.

    Args:
        data: Its first 16 bytes, or up to `HEAD` to tell also formats that gamutcli does not read.
    """
    return next((name for name, pattern in _BEGINNINGS if pattern.match(data)), "unknown")


def title(name: str) -> str:
    """Name a format in a sentence."""
    return _FORMATS.get(name, _FORMATS["unknown"]).title


def refusal(name: str, data: bytes) -> InputError:
    """Make the error for a file that cannot be read: what it is, why, and what to do.

    Args:
        name: The file.
        data: Its first `HEAD` bytes, or all that there are.
    """
    return InputError(f"{name}: {verdict(identify(name, data))}.")


def verdict(name: str) -> str:
    """Say of a format what a file of it is, why it cannot be read, and what to do, without a full stop."""
    format = _FORMATS[name]
    why = f", {format.why}" if format.why else ""
    return f"is {format.title}{why}; {format.way_out or _FROM_SOURCE}"


def identify(name: str, data: bytes) -> str:
    """Name a format by a file's start, and where that shows none, by its name or by what all of the start is."""
    by_name = _BY_NAME.get(PurePath(name).suffix.lower(), "")
    found = by_name or sniff(data)
    if found != "unknown":
        return found
    if not data.strip(b"\0"):
        return "zeros"
    return "text" if _is_text(data) else "unknown"


def _is_text(data: bytes) -> bool:
    if _CONTROLS.intersection(data):
        return False
    try:
        data.decode()
    except UnicodeDecodeError as error:
        # The start of a file may end within a character.
        return error.start >= len(data) - 3
    return True
