# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Paths that no domain gets, asked for under the model of a scenario that has $images, make_domain
# NAME, and a defined domain b.

# forbidden_domain ROLE PATH: bad.xml, a domain that has PATH as its ROLE.
forbidden_domain() {
  make_domain bad
  # shellcheck disable=SC2154 # the scenario's
  case $1 in
    disk) sed -i "s|$images/bad.img|$2|" "$images/bad.xml" ;;
    serial) sed -i "s|$images/bad.console|$2|" "$images/bad.xml" ;;
    kernel) sed -i "s|$images/vmlinuz|$2|" "$images/bad.xml" ;;
    share) sed -i "s|<devices>|<devices><filesystem type='mount'><source dir='$2'/><target dir='x'/></filesystem>|" "$images/bad.xml" ;;
  esac
}

forbidden_paths() {
  local path role uuid before
  uuid=$(svirt dominfo b | sed -n 's/^UUID: *//p')
  before=$(stat -c '%n %U %G %a %C' / /etc /etc/shadow /var/lib/svirt /var/lib/svirt/labels.db)
  ln -s /var/lib/svirt/labels.db "$images/way"
  mkdir "$images/bound"
  mount --bind /var/lib/svirt "$images/bound"
  for path in /etc/shadow /etc/cron.d/test /root/.ssh/authorized_keys /proc/kcore /dev/mem \
    /sys/kernel/notes /var/lib/svirt/labels.db "/var/lib/svirt/domains/$uuid.xml" \
    "/run/svirt/domains/$uuid/monitor.sock" /etc/svirt/svirt.conf "$images/way" \
    "$images/bound/labels.db"; do
    for role in disk share serial kernel; do
      forbidden_domain "$role" "$path"
      refused "$path is no $role" "no domain gets.*\\($path\\)" svirt define "$images/bad.xml"
    done
  done
  for path in / /etc /home /root /var /usr /dev /var/lib/svirt /run/svirt "$images/bound"; do
    forbidden_domain share "$path"
    refused "all of $path is no share" "no domain gets.*\\($path\\)" svirt define "$images/bad.xml"
    refused "nor does a program get it" "no domain gets.*\\($path\\)" \
      svirt run "$images/bad.xml" -- /usr/bin/true
  done
  umount "$images/bound"
  rm -r "$images/way" "$images/bound" "$images"/bad.*
  equal "nothing of that has changed" "$before" \
    "$(stat -c '%n %U %G %a %C' / /etc /etc/shadow /var/lib/svirt /var/lib/svirt/labels.db)"
}
