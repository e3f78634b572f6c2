"""Files that cannot be read, as they lie among pictures: how each begins, what it is called, and what to do."""

from __future__ import annotations

import io
import zipfile

from PIL import Image

from gamutcli.payload.format import MAGIC


def zipped(name: str, content: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def written_by_pillow(format: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 30, 30)).save(stream, format)
    return stream.getvalue()


#: By name: the start of the file, what a refusal calls it, and some words of what helps.
MET = {
    "picture.psd": (b"8BPS\0\1" + bytes(20), "a Photoshop document", "in Photoshop"),
    "huge.psb": (b"8BPS\0\2" + bytes(20), "a Photoshop document", "16-bit TIFF"),
    "hdr.jxr": (b"II\xbc\1\x20\0\0\0", "a JPEG XR", "16-bit TIFF"),
    "frame.dpx": (b"SDPX\0\0\x20\0V1.0", "a DPX", "DaVinci Resolve"),
    "small.dpx": (b"XPDS\0\x20\0\0V1.0", "a DPX", "16-bit TIFF"),
    "scan.cin": (b"\x80\x2a\x5f\xd7" + bytes(20), "a Cineon", "16-bit TIFF"),
    "work.xcf": (b"gimp xcf v011\0" + bytes(20), "a GIMP document", "File > Export As"),
    "work.kra": (zipped("mimetype", b"application/x-krita"), "a Krita document", "in Krita"),
    "work.ora": (zipped("mimetype", b"image/openraster"), "an OpenRaster document", "16-bit TIFF"),
    "work.afphoto": (b"\0\xffKA" + bytes(20), "an Affinity document", "File > Export"),
    "work.psp": (b"Paint Shop Pro Image File\n\x1a" + bytes(9), "a PaintShop Pro document", "save a copy"),
    "shot.eip": (zipped("manifest50.xml", b"<x/>"), "a Capture One package", "in Capture One"),
    "moving.gif": (written_by_pillow("GIF"), "a GIF", "its original"),
    "old.bmp": (written_by_pillow("BMP"), "a BMP", "instead"),
    "old.tga": (written_by_pillow("TGA"), "a Targa picture", "16-bit TIFF"),
    "old.pcx": (written_by_pillow("PCX"), "a PCX", "instead"),
    "old.sgi": (written_by_pillow("SGI"), "an SGI picture", "16-bit TIFF"),
    "old.ppm": (written_by_pillow("PPM"), "a portable pixmap", "16-bit TIFF"),
    "app.ico": (written_by_pillow("ICO"), "an icon", "instead"),
    "app.icns": (b"icns\0\0\1\0", "an icon", "instead"),
    "page.pdf": (written_by_pillow("PDF"), "a PDF or Illustrator document", "in Acrobat, Illustrator"),
    "page.eps": (written_by_pillow("EPS"), "a PostScript or EPS document", "16-bit TIFF"),
    "texture.dds": (written_by_pillow("DDS"), "a DirectX texture", "16-bit TIFF"),
    "light.hdr": (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n", "a Radiance HDR picture", "tone-map it"),
    "light.pfm": (b"PF\n2 2\n-1.0\n" + bytes(48), "a portable float map", "tone-map it"),
    "line.svg": (b'<?xml version="1.0"?>\n<!-- a -->\n<svg xmlns="x"/>', "an SVG drawing", "Inkscape"),
    "bare.svg": (b'<svg xmlns="x"/>', "an SVG drawing", "Inkscape"),
    "sky.fits": (b"SIMPLE  =                    T".ljust(80), "a FITS", "Siril"),
    "sky.xisf": (b"XISF0100" + bytes(8), "a PixInsight XISF", "PixInsight"),
    "head.dcm": (bytes(128) + b"DICM" + bytes(9), "a DICOM", "nothing to restore"),
    "iphone.mov": (b"\0\0\0\x14ftypqt  " + bytes(8), "a video", "export the frame"),
    "phone.mp4": (b"\0\0\0\x18ftypmp42" + bytes(8), "a video", "export the frame"),
    "old.mov": (b"\0\0\x10\0moov" + bytes(8), "a video", "export the frame"),
    "camera.avi": (b"RIFF\0\0\1\0AVI LIST", "a video", "export the frame"),
    "clip.mkv": (b"\x1aE\xdf\xa3" + bytes(12), "a video", "export the frame"),
    "clip.r3d": (b"\0\0\1\0RED2" + bytes(12), "a REDCODE clip", "export the frame"),
    "voice.wav": (b"RIFF\0\0\1\0WAVEfmt ", "a sound recording", "name a picture"),
    "photo.jpg.gamut": (MAGIC + bytes(20), "a gamutcli payload alone", "name the picture that it goes with"),
    "photo.xmp": (b'<x:xmpmeta xmlns:x="adobe:ns:meta/">', "an XMP sidecar", "name the picture that it goes with"),
    "srgb.icc": (bytes(36) + b"acsp" + bytes(88), "an ICC profile", "name the picture"),
    "._photo.tif": (b"\0\5\x16\7\0\2\0\0Mac OS X", "what macOS keeps beside a file", "without ._ at its start"),
    ".DS_Store": (b"\0\0\0\1Bud1\0\0\x10\0", "how macOS shows a folder", "leave it out"),
    "photo.plist": (b"bplist00" + bytes(20), "a property list", "iCloud"),
    "Thumbs.db": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a Microsoft or FlashPix document", "save the picture"),
    "all.lrcat": (b"SQLite format 3\0", "a database", "export them"),
    "photo.lnk": (b"L\0\0\0\1\x14\2\0\0\0", "a shortcut", "leads to"),
    "photos.zip": (zipped("photo.tif", b"x", zipfile.ZIP_DEFLATED), "a ZIP archive", "unpack it"),
    "photos.tar": (bytes(257) + b"ustar\0" + bytes(9), "an archive", "unpack it"),
    "photos.7z": (b"7z\xbc\xaf\x27\x1c", "an archive", "unpack it"),
    "page.jpg": (b"<!DOCTYPE html>\n<html><title>404</title>", "a web page", "save the picture itself"),
    "xhtml.jpg": (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x">', "a web page", "save the picture itself"),
    "pointer.tif": (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS", "git lfs pull"),
    "photo.tif": ("gr\u00fc\u00dfe, nothing but words".encode(), "a text", "name the picture that it goes with"),
    "photo.pp3": (b"[Version]\nAppVersion=5.9\n", "a text", "name the picture that it goes with"),
    "work.pdn": (b"PDN3" + bytes(20), "a Paint.NET document", "reduce the original"),
    "work.clip": (b"CSFCHUNK" + bytes(20), "a Clip Studio document", "in Clip Studio Paint"),
    "shot.lfp": (b"\x89LFP\r\n\x1a\n", "a Lytro light field", "in Lytro Desktop"),
    "scan.jls": (b"\xff\xd8\xff\xf7\0\x0b", "a JPEG-LS", "16-bit TIFF"),
    "disc.pcd": (bytes(2048) + b"PCD_IPI" + bytes(9), "a Kodak Photo CD picture", "pcdtojpeg"),
    "new.bpg": (b"BPG\xfb" + bytes(20), "a BPG", "16-bit TIFF"),
    "new.flif": (b"FLIF" + bytes(20), "a FLIF", "16-bit TIFF"),
    "work.miff": (b"id=ImageMagick  version=1.0\n", "an ImageMagick MIFF", "magick IN"),
    "book.djvu": (b"AT&TFORM" + bytes(20), "a DjVu", "16-bit TIFF"),
    "new.qoi": (b"qoif" + bytes(20), "a QOI", "instead"),
    "moving.mng": (b"\x8aMNG\r\n\x1a\n", "an MNG", "16-bit TIFF"),
    "moving.avif": (b"\0\0\0\x2cftypavis" + bytes(20), "an AVIF sequence", "export the picture you want"),
    "sky.h5": (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "16-bit TIFF"),
    "sky.npy": (b"\x93NUMPY\1\0", "a NumPy array", "tifffile"),
    "odd.xml": (b'<?xml version="1.0"?>\n<a/>', "an XML text", "name the picture that it goes with"),
    "lost.tif": (bytes(5000), "nothing but zeros", "again"),
    "odd.tif": (bytes(range(256)), "not a picture that gamutcli knows", "export the picture as a 16-bit TIFF"),
}  # fmt: skip
