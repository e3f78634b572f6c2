"""What a file says outside its EXIF and XMP: PNG texts, Photoshop's resources, the resolution; put into these two."""

from __future__ import annotations

RESOURCES = 0x8649
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
_USER_COMMENT = 0x9286
_NO_UNIT, _INCH, _CENTIMETRE = 1, 2, 3
_RIGHTS = "http://ns.adobe.com/xap/1.0/rights/"
_COPYRIGHT_FLAG = 0x040A
# Photoshop's resources that are about the photograph: copyright flag, URL, list of URLs. The others are about its own
# windows, channels, layers and thumbnail; IPTC goes by itself.
_OF_THE_PHOTOGRAPH = frozenset({_COPYRIGHT_FLAG, 0x040B, 0x041E})

# Keywords of the PNG specification (11.3.3) -> tags of EXIF that mean the same.
_TEXT_TAGS = {
    "Title": 0x010D,  # DocumentName
    "Description": 0x010E,
    "Source": 0x0110,  # the device: Model
    "Software": 0x0131,
    "Author": 0x013B,
    "Copyright": 0x8298,
}
# ... -> properties of XMP.
_TEXT_PROPERTIES = {
    "Creation Time": ("xmp", "http://ns.adobe.com/xap/1.0/", "CreateDate"),
    "Disclaimer": ("xmpRights", _RIGHTS, "UsageTerms"),
}
