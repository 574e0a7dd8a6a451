#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The table of docs/threat-model.md, measured: domain a is hostile, and makes a try for each row
# against other domains and against the machine, under the models of this kernel. With
# PROMISE_MARKDOWN set the rows are printed as they were measured.
name=svirt-promise-$$ # the same after the exec
if [ -z "${PROMISE_KEY-}" ]; then
  exec "$SVIRT_TEST/with_keys" "$name" bash "$0"
fi
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

# shellcheck disable=SC2034 # for the rows
{
  programs=$SVIRT_TEST
  domain_programs=$SVIRT_TEST
  images=$DIR/images
  sockets=$DIR/sockets
  machine=$DIR/machine
  state=$ROOT/state
  run=$ROOT/run
  conf=$ROOT/svirt.conf
  work=$DIR
  starter_refused=yes
  [ "$(id -u)" -ne 0 ] || starter_refused=no
}
# shellcheck source=tests/promise/rows.sh
. "$SVIRT_TEST/rows.sh"
svirt() { "$SVIRT" --root "$ROOT" "$@" 8>&-; }

prepare
for vm in a b c; do
  make_domain $vm # which need not boot
  chmod 0600 "$images/$vm.img"
done
chmod 0711 "$DIR" "$images"
named_socket "$DIR/c.xml"
for vm in a b c; do
  ok "$vm is defined" svirt define "$DIR/$vm.xml"
done
# Signals and abstract sockets, in the columns of the page.
scopes=no
if printf '6.12\n%s\n' "$(uname -r)" | sort -V -C; then
  scopes=yes
else
  echo "# the columns with Landlock are skipped: they need Linux 6.12, whose Landlock has scopes"
fi
if [ "$(id -u)" -eq 0 ]; then
  if [ $scopes = yes ]; then
    configure '[confinement]' 'models = landlock, dac' # the default, where no other is active
    setting root
  fi
  configure '[confinement]' 'models = dac'
  setting dac
elif [ $scopes = yes ]; then
  configure '[confinement]' 'models = landlock'
  setting user
fi
if [ -n "${PROMISE_MARKDOWN-}" ]; then
  "$SVIRT_TEST/compare-table" --markdown "$SVIRT_TEST/threat-model.md" "$measured" | grep '^|'
elif [ -s "$measured" ]; then
  ok "what was measured on $(uname -r) is what docs/threat-model.md says" \
    "$SVIRT_TEST/compare-table" "$SVIRT_TEST/threat-model.md" "$measured"
fi
finish
