#!/bin/sh
# RawTherapee: develop camera files with their own settings in a wide space, and reduce them: rawtherapee.sh WEB FILE...
# With no settings beside a file (photo.nef.pp3), RawTherapee's neutral ones are taken.
[ $# -gt 1 ] || { echo "usage: rawtherapee.sh WEB FILE..." >&2; exit 2; }
web=$1
shift
developed=$(mktemp -d)
trap 'rm -rf "$developed"' EXIT
rawtherapee-cli -o "$developed" -s -p "$(dirname -- "$0")/rawtherapee-wide.pp3" -t -b16 -c "$@"
ended=$?
gamut batch reduce "$developed" -o "$web" && exit $ended
