# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What one more disk costs a daemon, in system calls. Needs strace.

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

# calls_between FIRST LAST FILE: how many it has from the last time that FIRST was written to standard
# output until LAST was.
calls_between() {
  awk -v first="$1" -v last="$2" '
    index($0, "write(1, \"" first) { calls = 0; next }
    index($0, "write(1, \"" last) { answer = calls; next }
    /^[0-9]+ +[a-z0-9_]+\(/ { ++calls }
    END { print answer }' "$3"
}

# calls_per_disk DIRECTORY LABEL_ROUNDS SVIRT.CONF [STATE_DIR RUN_DIR]: how many a daemon makes for
# each disk more of a guest that it labels. The last of three rounds counts: the first finds out what
# the machine has. The traces stay in the directory.
calls_per_disk() {
  local directory=$1 program=$2 config=$3 guest
  for guest in few:5 many:25; do
    disks_domain "$directory" "${guest%:*}" "${guest#*:}"
    count_calls "$directory/${guest%:*}.trace" "$program" "$config" \
      "$directory/${guest%:*}.xml" 3 "${@:4}" >/dev/null || return 1
  done
  awk -v few="$(calls_between restored labelled "$directory/few.trace")" \
    -v many="$(calls_between restored labelled "$directory/many.trace")" \
    'BEGIN { printf "%.1f\n", (many - few) / 20 }'
}

# most LIMIT NUMBER, which may have a fraction
most() { awk -v limit="$1" -v number="$2" 'BEGIN { exit !(number != "" && number <= limit) }'; }
