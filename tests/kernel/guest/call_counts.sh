# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What one more disk costs, in system calls. For scenarios that have a directory for images and a
# function svirt; needs strace.

# disks_domain DIRECTORY NAME COUNT: NAME.xml there, a guest with so many disks of its own.
disks_domain() {
  local i letter
  {
    cat <<XML
<domain type='qemu'>
  <name>$2</name>
  <uuid>$(md5sum <<<"$2" | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-4\3-8\4-\5/')</uuid>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
XML
    for ((i = 0; i < $3; i++)); do
      printf -v letter "\\x$(printf %x $((97 + i)))"
      truncate -s 1M "$1/disk$i.img"
      cat <<XML
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='$1/disk$i.img'/>
      <target dev='vd$letter' bus='virtio'/>
    </disk>
XML
    done
    echo "  </devices></domain>"
  } >"$1/$2.xml"
}

# count_calls FILE COMMAND...: runs it, writes its system calls to FILE, and says how many they are.
# What comes of a signal or an end is none.
count_calls() {
  local file=$1
  shift
  strace -f -qq -o "$file" "$@" >/dev/null 2>&1 || return 1
  grep -c '^[0-9]* *[a-z0-9_]*(' "$file"
}

# calls_per_disk DIRECTORY SVIRT...: how many 'SVIRT... label' makes for each disk more. The guests
# "few" and "many" are defined then, and have no labels.
calls_per_disk() {
  local directory=$1 few many
  shift
  disks_domain "$directory" few 5
  disks_domain "$directory" many 25
  "$@" define "$directory/few.xml" >/dev/null && "$@" define "$directory/many.xml" >/dev/null ||
    return 1
  # What is done for the first time on a machine, such as compiling a policy, is no part of it.
  "$@" label many >/dev/null && "$@" restore many >/dev/null || return 1
  few=$(count_calls "$directory/few.trace" "$@" label few) && "$@" restore few >/dev/null &&
    many=$(count_calls "$directory/many.trace" "$@" label many) && "$@" restore many >/dev/null ||
    return 1
  awk -v few="$few" -v many="$many" 'BEGIN { printf "%.1f\n", (many - few) / 20 }'
}

# most LIMIT NUMBER, which may have a fraction
most() { awk -v limit="$1" -v number="$2" 'BEGIN { exit !(number != "" && number <= limit) }'; }

# calls_between FIRST LAST FILE: how many it has from the last time that FIRST was written to standard
# output until LAST was.
calls_between() {
  awk -v first="$1" -v last="$2" '
    index($0, "write(1, \"" first) { calls = 0; next }
    index($0, "write(1, \"" last) { answer = calls; next }
    /^[0-9]+ +[a-z0-9_]+\(/ { ++calls }
    END { print answer }' "$3"
}
