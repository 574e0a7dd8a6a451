#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest that reboots itself. Elsewhere the first boot worked under Landlock and the second did not,
# since what the emulator made anew needed a right that opening it had not (cloud-hypervisor #7911,
# #8733).
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

make_domain a
sed -i '/<kernel>/d; /<initrd>/d; /<cmdline>/d; s/>192</>16</' "$DIR/a.xml"
# A boot sector that writes B to the serial port (mov dx,3f8h; mov al,'B'; out dx,al) and resets the
# machine by its keyboard controller (mov al,0feh; out 64h,al; hlt; jmp back to it).
printf '\xba\xf8\x03\xb0\x42\xee\xb0\xfe\xe6\x64\xf4\xeb\xfd' |
  dd of="$DIR/images/a.img" conv=notrunc status=none
printf '\x55\xaa' | dd of="$DIR/images/a.img" bs=1 seek=510 conv=notrunc status=none
boots() { tr -cd B <"$DIR/images/a.console" | wc -c; }
booted_times() { [ "$(boots)" -ge "$1" ]; }

ok "a is defined" svirt define "$DIR/a.xml"
ok "a starts" svirt start a
pid=$(pid_of a)
label=$(label_of a)
ok "its guest boots three times" wait_for 90 booted_times 3
equal "a runs" running "$(svirt domstate a)"
equal "in the same process" "$pid" "$(pid_of a)"
equal "under the same label" "$label" "$(label_of a)"
contains "which is enforced" '^Security label: .*\(enforcing\)$' svirt dominfo a
ok "a is destroyed" svirt destroy a
equal "nobody holds a label at the end" "" "$(svirt labels)"
finish
