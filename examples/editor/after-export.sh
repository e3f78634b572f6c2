#!/bin/sh
# Lightroom Classic, Capture One and others call this with the files that they have exported: after-export.sh FILE...
# Reduced pictures go into the folder "reduced" beside them. Export as TIFF, 16 bit, ProPhoto RGB.
#
# On macOS both call applications only: make one in Automator, with the action "Run Shell Script", input "as arguments":
#     exec /path/to/after-export.sh "$@"
# and set PATH in its first line to where gamut is. Choose it in Lightroom under "After Export", "Open in Other
# Application", and in the recipe of Capture One under "Open With".
[ $# -gt 0 ] || { echo "usage: after-export.sh FILE..." >&2; exit 2; }
folder=$(dirname -- "$1")
mkdir -p -- "$folder/reduced"
printf '%s\0' "$@" |
  gamut batch reduce -0 - --base "$folder" -o "$folder/reduced" --overwrite >> "$folder/reduced/gamut.log" 2>&1
