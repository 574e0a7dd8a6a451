#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# svirt-plan STRIDE: of fifty domains that differ in what they use each STRIDE-th gets the labels
# that were planned, word for word, under the model that is active.
# shellcheck source=../guest/lib.sh
. "$SVIRT_TEST/lib.sh"
# shellcheck source=../guest/varied_domains.sh
. "$SVIRT_TEST/varied_domains.sh"

images=/var/lib/svirt/images
mkdir -p $images
restorecon -RF /var/lib/svirt /run/svirt /usr/bin/svirt 2>/dev/null
compare_varied $images "$1"
equal "nobody holds labels" "" "$(svirt labels)"
finish
