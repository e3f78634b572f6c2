"""Containers: the bytes of JPEG, PNG, TIFF, WebP, AVIF and JPEG XL files, of EXIF and XMP. No pixels, no payload."""
