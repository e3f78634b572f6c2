#!/bin/sh
# GNU parallel over the machines in hosts.txt, which all see both folders: parallel.sh PHOTOS WEB
[ -d "$1" ] && [ $# -eq 2 ] || { echo "usage: parallel.sh PHOTOS WEB" >&2; exit 2; }
exec parallel --sshloginfile hosts.txt --jobs 1 --halt soon,fail=1 \
  gamut batch reduce "$1" -o "$2" --shard '{}/8' ::: 1 2 3 4 5 6 7 8
