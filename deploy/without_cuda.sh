#!/bin/sh
# Splits a lock file in two: others.txt, with hashes, without torch and what only CUDA needs; and
# torch.txt, the versions of torch and torchvision alone, to be taken from an index of CPU builds.
set -eu
lock=$1
into=$2
awk '
    /^[a-z0-9]/ { apart = $1 ~ /^(torch|torchvision|triton)==/ || $1 ~ /^(nvidia|cuda)-/ }
    !apart
' "$lock" >"$into/others.txt"
awk '$1 ~ /^(torch|torchvision)==/ { print $1 }' "$lock" >"$into/torch.txt"
