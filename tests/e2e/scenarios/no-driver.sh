#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A host without an active security driver: nothing starts unless the configuration allows it.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

exit_code() {
  "$@" >/dev/null 2>&1
  echo $?
}
mkdir "$DIR/no-plugins"
PLUGINS=$DIR/no-plugins
make_domain a

configure
refused "nothing is defined without a driver" 'no security driver is active on this host' \
  svirt define "$DIR/a.xml"
equal "with the exit code for it" 5 "$(exit_code svirt define "$DIR/a.xml")"
equal "in one sentence" 1 "$(svirt define "$DIR/a.xml" 2>&1 | wc -l)"
contains "plugins says so" 'No plugin is installed' svirt plugins

configure '[confinement]' 'allow_none = yes'
ok "with allow_none a is defined" svirt define "$DIR/a.xml"
ok "with allow_none a starts" svirt start a
ok "and boots" wait_for 90 booted a
contains "dominfo tells the truth" '^Security model: +none' svirt dominfo a
contains "the plan does too" 'would run unconfined' svirt plan a

configure
refused "a plan is refused again when it is not allowed any more" 'no security driver is active' \
  svirt plan a
configure '[confinement]' 'models = none'
ok "destroy works without a driver" svirt destroy a
ok "models = none starts without a driver" svirt start a
ok "a is destroyed" svirt destroy a

make_domain c "<seclabel type='none' model='selinux'/>"
configure
ok "a domain whose owner wants none is defined without a driver" svirt define "$DIR/c.xml"
configure '[confinement]' 'require_confined = yes'
refused "unless confinement is required" 'no security driver is active|not allowed on this host' \
  svirt start c
finish
