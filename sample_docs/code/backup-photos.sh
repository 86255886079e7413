#!/usr/bin/env bash
#
# Copies the family photographs to the two external disks.
#
# The disks are called Castor and Pollux. One is always at Caspian's house and
# they change places on the first of the month, so that a fire or a burglary
# can take at most one of them, and at most a month of pictures.
#
# Usage: backup-photos.sh [--check]
#   --check   do not copy; read everything back and compare checksums (about
#             five hours; do it at Christmas and at midsummer)

set -euo pipefail

SOURCE="${PHOTO_DIR:-$HOME/Photos}"
MOUNTS="${DISK_DIR:-$HOME/disks}"
KEEP_DAYS=90

log() {
    printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2
}

find_disk() {
    local name
    for name in castor pollux; do
        # The marker file proves that the disk is really mounted. Without it
        # we once filled the laptop's own drive with 180 GB of holidays.
        if [[ -e "$MOUNTS/$name/.this-is-$name" ]]; then
            printf '%s\n' "$MOUNTS/$name"
            return 0
        fi
    done
    return 1
}

if ! disk="$(find_disk)"; then
    log "no disk found - plug one in, wait for the blue lamp, try again"
    exit 2
fi
log "using $disk"

if [[ "${1:-}" == "--check" ]]; then
    (cd "$disk/current" && sha256sum --check --quiet ../checksums.txt)
    log "all files read back unchanged"
    exit 0
fi

# Refuse to go on if the number of pictures has shrunk by more than a tenth
# since last time: then somebody has probably deleted an album by accident.
count="$(find "$SOURCE" -type f | wc -l)"
previous="$(cat "$disk/count.txt" 2>/dev/null || printf '0\n')"
if ((count * 10 < previous * 9)); then
    log "only $count files, there were $previous - stopping, please look"
    exit 3
fi

# Removed and changed files are not lost at once, they are moved into a folder
# with the date on it and stay there for ninety days.
today="$(date +%F)"
rsync --archive --delete --backup \
    --backup-dir="$disk/removed/$today" \
    --exclude='.thumbnails/' \
    "$SOURCE/" "$disk/current/"

if [[ -d "$disk/removed" ]]; then
    find "$disk/removed" -mindepth 1 -maxdepth 1 -type d \
        -mtime "+$KEEP_DAYS" -exec rm -r -- {} +
fi

printf '%s\n' "$count" >"$disk/count.txt"
(cd "$disk/current" && find . -type f -print0 | sort -z |
    xargs -0 sha256sum >"$disk/checksums.txt")
log "done: $count files. Swap the disks if it is the first."
