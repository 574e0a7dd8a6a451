#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What of the machine no domain gets: ten paths as disk, share, file of a serial port and kernel, and
# directories of the whole machine, under every model that this machine has.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

make_domain good
ok "a domain is there, and svirt has files of its own" svirt define "$DIR/good.xml"
ok "and a database" svirt label good
uuid=$(svirt labels --json | sed -n 's/.*"uuid": "\(.*\)".*/\1/p' | head -n 1)
ok "and it is let go" svirt restore good
ln "$ROOT/state/labels.db" "$DIR/images/hard-link"
ln -s /etc/shadow "$DIR/images/symlink"
ln -s "$ROOT/state" "$DIR/images/state"
paths=(/etc/shadow /etc/cron.d/svirt-test /root/.ssh/authorized_keys /proc/kcore /dev/mem
  "$ROOT/state/labels.db" "$ROOT/state/domains/$uuid.xml" "$ROOT/run/domains/$uuid/monitor.sock"
  "$ROOT/svirt.conf" "$DIR/images/hard-link" "$DIR/images/symlink" "$DIR/images/state/labels.db")
directories=(/ /etc /home /root /var /usr /proc /sys /dev /boot "$ROOT" "$ROOT/state" "$ROOT/run"
  "$PLUGINS" "$DIR" "$DIR/images/state")

# bad ROLE PATH: bad.xml, a domain that has PATH as its ROLE.
bad() {
  make_domain bad
  case $1 in
    disk) sed -i "s|$DIR/images/bad.img|$2|" "$DIR/bad.xml" ;;
    serial) sed -i "s|$DIR/images/bad.console|$2|" "$DIR/bad.xml" ;;
    kernel) sed -i "s|$GUEST/vmlinuz|$2|" "$DIR/bad.xml" ;;
    share) sed -i "s|<devices>|<devices><filesystem type='mount'><source dir='$2'/><target dir='x'/></filesystem>|" "$DIR/bad.xml" ;;
  esac
}

state_of() { stat -c '%n %u %g %a %s' /etc /etc/shadow "$ROOT" "$ROOT"/state "$ROOT"/state/labels.db /; }
configurations=(landlock)
[ "$(id -u)" -ne 0 ] || configurations+=(dac 'landlock, dac')
for models in "${configurations[@]}"; do
  configure '[confinement]' "models = $models"
  before=$(state_of)
  for path in "${paths[@]}"; do
    for role in disk serial kernel share; do
      bad "$role" "$path"
      refused "$models: $path is no $role" "no domain gets.*\($path\)" svirt define "$DIR/bad.xml"
    done
  done
  for path in "${directories[@]}"; do
    bad share "$path"
    refused "$models: all of $path is no share" "no domain gets.*\($path\)" svirt define "$DIR/bad.xml"
  done

  # Every command, all in one sentence, and nothing is made.
  bad disk /etc/shadow
  sed -i "s|$DIR/images/bad.console|$ROOT/state/new|; s|$GUEST/initrd.gz|/proc/kcore|" "$DIR/bad.xml"
  all='\(/proc/kcore\).*\(/etc/shadow\).*\('$ROOT'/state/new\)'
  refused "$models: plan names all of them" "$all" svirt plan "$DIR/bad.xml"
  refused "$models: the policy is not shown" "$all" svirt plan --profile "$DIR/bad.xml"
  refused "$models: label names all of them" "$all" svirt label "$DIR/bad.xml"
  refused "$models: run names all of them" "$all" svirt run "$DIR/bad.xml" -- /usr/bin/true
  ok "$models: nothing is made" test ! -e "$ROOT/state/new"

  # A link that leads elsewhere when the domain starts.
  make_domain turned
  ln -sfn "$DIR/images/turned.img" "$DIR/images/turned"
  ln -sfn "$DIR/images" "$DIR/images/way"
  sed -i "s|$DIR/images/turned.img|$DIR/images/turned|
    s|$DIR/images/turned.console|$DIR/images/way/console|" "$DIR/turned.xml"
  ok "$models: a link to an image is defined" svirt define "$DIR/turned.xml"
  ln -sfn /etc/shadow "$DIR/images/turned"
  ln -sfn "$ROOT/state" "$DIR/images/way"
  refused "$models: turned to a file of the machine, it does not start" 'a way to /etc/shadow' \
    svirt start turned
  refused "$models: nor is it a way to svirt's own" "a way to $ROOT/state/console" svirt start turned
  ok "$models: nothing is made there" test ! -e "$ROOT/state/console"
  ok "$models: it is undefined" svirt undefine turned
  equal "$models: nothing has changed" "$before" "$(state_of)"
  equal "$models: nobody holds a label" "" "$(svirt labels)"
done

configure '[confinement]' 'allow_paths = /etc/hostname:/var/lib/dpkg/:/'
bad disk /etc/shadow
sed -i 's|/etc/shadow|/etc/hostname|' "$DIR/bad.xml"
ok "what the administrator allows is had" svirt define "$DIR/bad.xml"
bad disk "$ROOT/state/labels.db"
refused "svirt's own is not, whatever he allows" "nothing allows svirt's own" \
  svirt define "$DIR/bad.xml"
configure '[confinement]' 'allow_paths = etc'
refused "a path that is none is told" "allow_paths in \[confinement\].*'etc'" svirt list
finish
