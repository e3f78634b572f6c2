#!/bin/sh
# A picture a process, two at a time, with find and xargs: xargs.sh PHOTOS WEB
# `gamut batch reduce -0 -` does the same with processes that start once, and remembers what is done.
[ -d "$1" ] && [ $# -eq 2 ] || { echo "usage: xargs.sh PHOTOS WEB" >&2; exit 2; }
find "$1" -name '*.tif' -print0 | xargs -0 -P 2 -I '{}' gamut reduce '{}' -o "$2"
