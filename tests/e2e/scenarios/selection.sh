#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Selection fails closed: whatever is wrong with the strongest plugin, nothing is done under a weaker
# one; and while its file is replaced, as in an upgrade, it is chosen all the same.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

# acmelock is the strongest: landlock under another name of the same length, with another priority.
weaker=$PLUGINS/svirt-landlock.so
beside=$PLUGINS/svirt-dac.so
PLUGINS=$DIR/plugins
acme=$PLUGINS/svirt-acmelock.so
LC_ALL=C sed 's/landlock/acmelock/g; s/priority=100/priority=350/' "$weaker" >acmelock.so
mkdir -m 755 "$PLUGINS"
make_domain a
make_domain b
vm=$DIR/a.xml

# fresh CONFIGURATION...: both sound, nothing remembered.
fresh() {
  rm -rf "$PLUGINS"/svirt-* "$ROOT/state" "$ROOT/run"
  install -m 755 "$weaker" "$PLUGINS/svirt-landlock.so"
  install -m 755 acmelock.so "$acme"
  configure "$@"
}
model() { "$@" --json | sed -n 's/^  "model": "\(.*\)",/\1/p'; }
# What 'svirt plugins --json' says: the models, and which files block.
shown() {
  svirt plugins --json | python3 -c '
import json, sys
seen = json.load(sys.stdin)
blocking = [p["path"].rsplit("/", 1)[1] for p in seen["plugins"] if p["blocks"]]
print(",".join(seen["models"]) or "none", *blocking, "with a reason" if seen["reason"] else "")'
}
# closed WHAT FILE PATTERN: label, plan, run and define of $vm are refused in one sentence with FILE
# and PATTERN, and 'plugins' says which file blocks. A plan ends with its own status, and has the
# domain in the line before.
closed() {
  local what=$1 file=$2 pattern=$3 command seen status good want lines
  for command in "label $vm" "plan $vm" "run $vm -- /bin/true" "define $vm"; do
    # shellcheck disable=SC2086 # several words
    seen=$(svirt $command 2>&1)
    status=$?
    good=1
    want=5 lines=1
    [ "${command%% *}" != plan ] || want=20 lines=2
    if [ "$status" -eq $want ] && [ "$(wc -l <<<"$seen")" -eq $lines ] && grep -qF "$file" <<<"$seen" &&
      grep -qE -e "$pattern" <<<"$seen"; then
      good=0
    fi
    verdict "$good" "$what: ${command%% *} is refused" "$want and one sentence with $file and /$pattern/" "$status: $seen"
  done
  equal "$what: plugins shows what blocks" "none $(basename "$file") with a reason" "$(shown)"
}

fresh
ok "with both sound a is labelled" svirt label "$DIR/a.xml"
equal "under the strongest" acmelock "$(model svirt plan "$DIR/a.xml")"
equal "which plugins shows" "acmelock " "$(shown)"

half_written() {
  rm "$acme"
  head -c 5000 acmelock.so >"$acme"
  chmod 755 "$acme"
}
linked() {
  mv "$acme" elsewhere.so
  ln -s "$PWD/elsewhere.so" "$acme"
}
second() { install -m 755 acmelock.so "$PLUGINS/svirt-acmelock-old.so"; }

for order in '' 'order = acmelock, landlock'; do
  with="${order:+ (with order)}"
  # damaged WHAT PATTERN CMD...
  damaged() {
    local what=$1 pattern=$2
    shift 2
    fresh ${order:+"$order"}
    "$@"
    closed "$what$with" "$acme" "$pattern"
  }
  damaged "mode 664" 'group-writable \(mode 0664\); run chmod g-w' chmod 664 "$acme"
  damaged "truncated" 'it is truncated' truncate -s 5000 "$acme"
  damaged "half written" 'it is truncated' half_written
  damaged "empty" 'it is not an ELF file' truncate -s 0 "$acme"
  damaged "a symbolic link" 'it is a symbolic link' linked
  fresh ${order:+"$order"}
  second
  closed "a second file$with" "$PLUGINS/svirt-acmelock-old.so" 'its name has to be svirt-acmelock.so'
  fresh ${order:+"$order"}
  svirt label "$DIR/a.xml" >/dev/null
  rm "$acme"
  closed "vanished$with" svirt-acmelock.so 'is in none of the plugin directories'
done

# The plugins of the zoo are the strongest of all.
for bad in crash hang; do
  pattern='it crashed in the scanner with signal 6 .SIGABRT.'
  [ "$bad" != hang ] || pattern='it gave no answer in the scanner within 30000 ms'
  fresh
  zoo=$PLUGINS/svirt-$bad-probe.so
  install -m 755 "$ZOO/svirt-$bad-probe.so" "$zoo"
  refused "a probe that does not come back ($bad) is refused" "$pattern" svirt plan "$DIR/a.xml"
  closed "a plugin in quarantine ($bad)" "$zoo" "$pattern; it is in quarantine until"
  configure "order = $bad-probe, acmelock, landlock"
  closed "a plugin in quarantine ($bad, with order)" "$zoo" "$pattern; it is in quarantine until"
  ok "the quarantine is in the run directory" test -s "$ROOT/run/quarantine"
  configure "not_critical = $bad-probe"
  equal "it is excused by name" acmelock "$(model svirt plan "$DIR/a.xml" 2>/dev/null)"
done

# What runs already is not kept from its own driver.
fresh
rm "$acme"
ok "a is defined" svirt define "$DIR/a.xml"
ok "and started without the strongest" svirt start a
install -m 664 acmelock.so "$acme"
vm=$DIR/b.xml
closed "a broken one comes" "$acme" 'group-writable'
ok "a program joins a under the model that it has" svirt run "$DIR/a.xml" -- /bin/true
contains "a has its label" '^Security model: +landlock' svirt dominfo a
ok "recover leaves it alone" svirt recover
contains "so that it runs" '^running' svirt domstate a
ok "it ends" svirt destroy a
equal "and holds nothing" "" "$(svirt labels --json | grep '"name"')"
refused "but does not start again" 'group-writable' svirt start a

if [ "$(id -u)" -eq 0 ]; then
  fresh '[confinement]' 'models = landlock, dac'
  install -m 755 "$beside" "$PLUGINS/"
  ok "a is labelled under two models" svirt label "$DIR/a.xml"
  configure '[confinement]' 'models = landlock'
  equal "its disk has an owner of its own" 1 "$(find "$DIR/images/a.img" -uid +1000000 | wc -l)"
  ok "it ends under both when one is switched off meanwhile" svirt restore "$DIR/a.xml"
  equal "and its disk is root's again" 0 "$(stat -c %u "$DIR/images/a.img")"
fi

# Gone on purpose.
fresh
ok "a is labelled under acmelock" svirt label "$DIR/a.xml"
ok "and restored" svirt restore "$DIR/a.xml"
rm "$acme"
contains "what is missed is shown" '^missing +acmelock' svirt plugins
contains "and what to do" "^Nothing is selected: .*svirt plugins --forget acmelock" svirt plugins
contains "it can be forgotten" 'not expected any more' svirt plugins --forget acmelock
contains "twice, too" 'No domain was given' svirt plugins --forget acmelock
equal "what is not the name of a model cannot" 3 "$(svirt plugins --forget ../x >/dev/null 2>&1; echo $?)"
equal "then the next one is chosen" landlock "$(model svirt plan "$DIR/a.xml")"
configure '[confinement]' 'require_model = acmelock'
refused "but not where acmelock is required" 'requires the security model acmelock' svirt label "$DIR/a.xml"
refused "as the plan says" 'requires the security model acmelock' svirt plan "$DIR/a.xml"
install -m 755 acmelock.so "$acme"
ok "with it a is labelled" svirt label "$DIR/a.xml"

# What is shown is what this configuration selects.
configure '[confinement]' 'models = landlock'
equal "models = landlock is shown" "landlock " "$(shown)"
contains "for people, too" '^selected +landlock' svirt plugins
contains "the other one is not in use" '^active +acmelock' svirt plugins
configure '[confinement]' 'models = none'
equal "models = none is shown" "none with a reason" "$(shown)"
contains "for people, too" '^Nothing is selected: svirt.conf says models = none' svirt plugins

# What has been tried in the scanner is not tried again before it is another file. What was written
# just now is not remembered.
fresh
# shellcheck disable=SC2016 # for the script
printf '#!/bin/sh\necho "$1" >>"%s/scanned"\nexec "%s" "$@"\n' "$DIR" "$SCANNER" >counting-scanner
chmod 755 counting-scanner
sed -i "s|^scanner = .*|scanner = $PWD/counting-scanner|" "$ROOT/svirt.conf"
sleep 0.2
scanned() {
  rm -f "$DIR/scanned"
  svirt plan "$DIR/a.xml" >/dev/null
  wc -l 2>/dev/null <"$DIR/scanned" || echo 0
}
equal "the first plan scans the one that it chooses" 1 "$(scanned)"
equal "the second one scans nothing" 0 "$(scanned)"
equal "what is remembered is root's or one's own alone" "600 $(id -u)" \
  "$(stat -c '%a %u' "$ROOT/run/scans")"
install -m 755 acmelock.so "$acme"
sleep 0.2
equal "a new file is scanned" 1 "$(scanned)"
equal "once" 0 "$(scanned)"
chmod 644 "$ROOT/run/scans"
equal "a memory that others may read is not believed" 1 "$(scanned)"
rm "$ROOT/run/scans"
equal "nor is one that is gone" 1 "$(scanned)"
install -m 755 "$ZOO/svirt-crash-probe.so" "$PLUGINS/svirt-crash-probe.so"
refused "what crashes is found out as before" 'it crashed in the scanner with signal 6' \
  svirt plan "$DIR/a.xml"

# An upgrade beside starts.
fresh
(
  while :; do
    cp acmelock.so "$PLUGINS/.next"
    chmod 755 "$PLUGINS/.next"
    mv "$PLUGINS/.next" "$acme"
  done
) &
upgrade=$!
for _ in $(seq 60); do
  model svirt label "$DIR/a.xml"
done >models 2>&1
kill "$upgrade"
wait "$upgrade" 2>/dev/null
equal "60 times labelled while the plugin is replaced, never under the weaker one" \
  "60 acmelock" "$(sort models | uniq -c | sed 's/^ *//')"
finish
