# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Fifty domains that differ in what they use, and the comparison of what is planned for each with
# what it gets. The scenario defines svirt, unless that is the installed one.

varied_count=50

# make_varied NUMBER DIR: DIR/varied.xml, the domain "variedNUMBER" with its images in DIR.
make_varied() {
  local number=$1 dir=$2 machine=pc devices='' source format=raw chain='' access=''
  local image=$dir/varied$number
  truncate -s 1M "$image.img"
  [ $((number % 2)) -eq 0 ] || machine=q35
  case $((number % 5)) in
    1) access='<readonly/>' ;;
    2) access='<shareable/>' ;;
  esac
  source=$image.img
  if [ $((number % 4)) -eq 3 ]; then
    qemu-img create -q -f qcow2 -F raw -b "$image.img" "$image.qcow2"
    source=$image.qcow2
    format=qcow2
    chain="<backingStore type='file'><format type='raw'/><source file='$image.img'/><backingStore/></backingStore>"
  fi
  local target
  case $((number % 3)) in
    0) target="dev='vda' bus='virtio'" ;;
    1) target="dev='sda' bus='usb'" ;;
    2) target="dev='sda' bus='scsi'" ;;
  esac
  devices="<disk type='file' device='disk'><driver name='qemu' type='$format'/>
    <source file='$source'/>$chain<target $target/>$access</disk>"
  if [ $((number % 7)) -eq 1 ]; then
    truncate -s 1M "$image-more.img"
    devices+="<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>
      <source file='$image-more.img'/><target dev='sdb' bus='usb'/><readonly/></disk>"
  fi
  case $((number % 6)) in
    0) devices+="<serial type='file'><source path='$image.log'/><target port='0'/></serial>" ;;
    1) devices+="<serial type='null'><target port='0'/></serial>" ;;
    2) devices+="<channel type='unix'><source mode='bind'/><target type='virtio' name='c.0'/></channel>" ;;
    3) devices+="<input type='tablet' bus='usb'/><memballoon model='virtio'/>" ;;
  esac
  [ $((number % 8)) -ne 5 ] ||
    devices+="<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
  if [ $((number % 9)) -eq 4 ]; then
    mkdir -p "$image.share"
    devices+="<filesystem type='mount'><source dir='$image.share'/>
      <target dir='share'/></filesystem>"
  fi
  [ $((number % 10)) -ne 6 ] ||
    devices+="<video><model type='vga'/></video><watchdog model='i6300esb' action='none'/>"
  cat >"$dir/varied.xml" <<XML
<domain type='qemu'>
  <name>varied$number</name>
  <memory unit='MiB'>$((32 + number % 3))</memory>
  <os><type arch='x86_64' machine='$machine'>hvm</type></os>
  <features><acpi/></features>
  <devices>$devices</devices>
</domain>
XML
}

# Models and labels of a plan.
plan_labels() { svirt plan "$1" | grep -E '^Model |^  (process|image) label '; }
process_labels() { sed -n 's/^  process label *//p'; }

# compare_varied DIR [STRIDE]: each STRIDE-th is planned, started and ended; what was planned is what
# it gets.
compare_varied() {
  local dir=$1 stride=${2:-1} number domain before
  for ((number = 0; number < varied_count; number += stride)); do
    domain=varied$number
    make_varied "$number" "$dir"
    svirt define "$dir/varied.xml" >/dev/null || ok "$domain is defined" false
    before=$(plan_labels "$domain")
    ok "$domain has a plan" test -n "$before"
    ok "$domain starts by it" svirt start "$domain" --plan "$(svirt plan "$domain" | sed -n 's/^Plan //p')"
    equal "$domain has the labels of its plan" "$(process_labels <<<"$before")" \
      "$(svirt dominfo "$domain" | sed -n 's/^Security label: *\(.*\) (enforcing)$/\1/p')"
    equal "a plan of $domain while it runs is the same" "$before" "$(plan_labels "$domain")"
    ok "$domain ends" svirt destroy "$domain"
    svirt undefine "$domain" >/dev/null
    rm -rf "$dir/varied$number"*
  done
}
