#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What goes wrong is said in one sentence, with an exit code of its own, and nothing is half done.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

# fails WHAT CODE PATTERN ARGS...: svirt ARGS exits with CODE and says one line that has PATTERN.
fails() {
  local what=$1 code=$2 pattern=$3 seen status
  shift 3
  seen=$(svirt "$@" 2>&1 >/dev/null)
  status=$?
  local good=1
  if [ "$status" -eq "$code" ] && [ "$(wc -l <<<"$seen")" -eq 1 ] && grep -qE -e "$pattern" <<<"$seen"; then
    good=0
  fi
  verdict "$good" "$what" "exit status $code and one line with /$pattern/" "$status: $seen"
}

# exits CODE ARGS...: svirt ARGS exits with CODE.
exits() {
  local code=$1
  shift
  svirt "$@" >/dev/null 2>&1
  [ $? -eq "$code" ]
}

make_domain a
printf '<domain type="qemu">\n<name>x</name>\n<oops>\n</domain>\n' >broken.xml
fails "XML that is not well-formed" 3 'broken.xml:4: ' define broken.xml
fails "an empty file" 3 'define|/dev/null' define /dev/null
fails "a file that is not there" 4 'No such file' define nowhere.xml
fails "a directory" 1 'Is a directory' define "$DIR"
fails "a domain that is not there" 4 "there is no domain 'x'" start x
fails "neither a file nor a domain" 4 "neither a file nor a domain 'x'" plan x
fails "an unknown command" 2 'frobnicate' frobnicate
sed "s/type='raw'/type=''/; s/<driver name='qemu' type=''\/>//" "$DIR/a.xml" >noformat.xml
fails "an image without a format" 3 "format" define noformat.xml
ok "which is no plan either" exits 20 plan noformat.xml
sed "s/<name>a</<name>..\/a</" "$DIR/a.xml" >name.xml
fails "a name with a slash" 3 "name" define name.xml
sed "s/type='qemu'>/type='xen'>/" "$DIR/a.xml" >type.xml
# What is wrong with the configuration is said at once, by every command that opens the host.
wrong() { # WHAT PATTERN LINE...: in the third line of svirt.conf, or a later one
  local what=$1 pattern=$2 command
  shift 2
  configure "$@"
  for command in "define $DIR/a.xml" "plan $DIR/a.xml" list recover plugins labels; do
    # shellcheck disable=SC2086 # several words
    fails "$what: ${command%% *}" 3 "svirt.conf:[3-9]: .*$pattern" $command
  done
}
wrong "a section that is misspelt" "unknown section '\[confinment\]'" '[confinment]' 'models = none'
wrong "a key that is misspelt" "unknown key 'ordre'" 'ordre = landlock'
for key in 'order' 'not_critical' '[confinement]:models' '[confinement]:beside' \
  '[confinement]:require_model'; do
  mapfile -t lines <<<"${key/:/$'\n'} = landlok"
  wrong "a model that is not installed (${lines[*]})" 'the security model landlok' "${lines[@]}"
done
wrong "settings of a model that is not installed" 'the security model landlok' '[model landlok]' 'a = b'
wrong "a DOI of one" 'the security model landlok' '[doi]' 'landlok = example.com'
wrong "models with a colon between them" "write models with ', '" '[confinement]' 'models = landlock:dac'
wrong "a section that stands twice" 'stands in line 1 already' '[plugins]' 'order = landlock'
configure 'ordre = x' '[confinment]' '[confinement]' 'models = landlok'
fails "all that is wrong at once" 3 'svirt.conf:4: .*svirt.conf:5: .*svirt.conf:8: ' list
printf '[plugins]\ndirectories = %s, %s/more\n' "$PLUGINS" "$PLUGINS" >"$ROOT/svirt.conf"
fails "directories with a comma between them" 3 "write directories with ':' between them" list
printf '[plugins]\ndirectories = %s:%s/more\n' "$PLUGINS" "$PLUGINS" >"$ROOT/svirt.conf"
fails "a directory that is not there" 3 "there is no directory '$PLUGINS/more'" plugins
# Keys of a model are its plugin's to know, which these ask.
configure '[model dac]' 'cuont = 7' '[model landlock]' 'frob = x'
for command in "define $DIR/a.xml" "plan $DIR/a.xml" plugins; do
  # shellcheck disable=SC2086 # several words
  fails "keys that two models do not have: ${command%% *}" 3 \
    "svirt.conf:5: unknown key 'cuont' in \[model dac\]; known are first_id, count.*svirt.conf:7: unknown key 'frob' in \[model landlock\]" $command
done
configure '[model dac]' 'count = many'
fails "a value of another type" 3 'svirt.conf:5: count in \[model dac\] has to be a number' plugins
configure
refused "a hypervisor that no driver serves" 'no security driver is active.*Xen' svirt define type.xml
ok "a good domain after all that" svirt define "$DIR/a.xml"

# edit: a mistake is told and asked about; saying no keeps the definition.
cat >editor <<'EDITOR'
#!/bin/sh
# The first time it breaks the file, then it mends it.
if grep -q "<vcpu>1<" "$1"; then sed -i 's/<vcpu>1</<vcpu>none</' "$1"; else sed -i 's/<vcpu>none</<vcpu>2</' "$1"; fi
EDITOR
chmod +x editor
vcpus() { svirt dumpxml a | sed -n 's/.*<vcpu[^>]*>\(.*\)<.*/\1/p'; }
edit() { printf '%s\n' "$1" | VISUAL='' EDITOR="./editor" svirt edit a; }
refused "a broken edit is told and may be given up" 'vcpu' edit n
equal "which keeps the definition" 1 "$(vcpus)"
ok "or edited again" edit y
equal "which changes it" 2 "$(vcpus)"
refused "an editor that fails changes nothing" 'false failed' env VISUAL=false "$SVIRT" --root "$ROOT" edit a
ok "back to the first definition" svirt define "$DIR/a.xml"

# What QEMU is not told is refused, all of it at once and without the password.
sed "s#<devices>#&<graphics type='vnc' passwd='hunter2'/><sound model='ich9'/>#" "$DIR/a.xml" >asks.xml
ok "a domain that asks for what cannot be done is not defined" exits 9 define asks.xml
equal "all of it is told, each with its line" "$(printf '%s\n' '<devices/graphics passwd=...>' '<devices/sound>')" \
  "$(svirt define asks.xml 2>&1 | sed -n 's/^.*asks.xml:[0-9]*: the QEMU driver cannot do \(.*\); take it out or change it$/\1/p')"
equal "without the password" 0 "$(svirt define asks.xml 2>&1 | grep -c hunter2)"
ok "back to the domain without" svirt define "$DIR/a.xml"

# A start that fails half way leaves nothing behind.
sed "s#$GUEST/vmlinuz#$DIR/images/a.img#" "$DIR/a.xml" >bad-kernel.xml
ok "a domain with a kernel that is none is defined" svirt define bad-kernel.xml
refused "its start fails, with what QEMU said" 'kernel|qemu' svirt start a
equal "and nothing runs" "shut off" "$(svirt domstate a)"
equal "no run directory is left" "" "$(find "$ROOT/run/domains" -mindepth 1)"
mv "$DIR/images/a.img" "$DIR/images/gone.img"
ok "back to the good definition" svirt define "$DIR/a.xml"
refused "a disk that is not there is named" 'a\.img' svirt start a
mv "$DIR/images/gone.img" "$DIR/images/a.img"

# Many at once: one of them starts it, the others are told so.
for _ in 1 2 3 4 5; do svirt start a >/dev/null 2>>starts & done
wait
equal "of five starts at once four are told that it runs" 4 "$(grep -c 'running already' starts)"
for i in 1 2 3 4 5 6; do
  sed "s/<name>a</<name>m$i</" "$DIR/a.xml" >"m$i.xml"
  svirt define "m$i.xml" >/dev/null 2>>defines &
done
wait
equal "six definitions at once" 7 "$(svirt list --all | grep -cE ' (a|m[1-6]) ')"
ok "a is destroyed" svirt destroy a

# plan touches nothing and tells by its exit status.
# (A reader of the database marks its place in the shared memory file.)
state() {
  find "$ROOT" "$DIR/images" ! -name '*-shm' -printf '%p %s %m %u %g\n' | sort
  find "$ROOT" "$DIR/images" -type f ! -name '*-shm' -exec sha256sum {} + | sort
}
before=$(state)
svirt plan "$DIR/a.xml" --json >plan.json
ok "the plan is JSON with the documented members" python3 - plan.json <<'PY'
import json, sys
plan = json.load(open(sys.argv[1]))
for key in "version", "model", "doi", "process_label", "image_label", "resources":
    assert key in plan, key
for resource in plan["resources"]:
    for key in "kind", "path", "access", "current", "label", "action", "conflict":
        assert key in resource, key
for model in plan["models"]:
    kinds = [r["kind"] for r in plan["resources"] if r["model"] == model["model"]]
    assert kinds.count("disk") == 1
PY
equal "nothing has changed" "$before" "$(state)"

# No space for the state.
if [ "$(id -u)" -eq 0 ]; then
  mkdir full
  mount -t tmpfs -o size=64k tmpfs full
  head -c 1M /dev/zero >full/filler 2>/dev/null
  refused "a full state directory is told" '[Nn]o space left' "$SVIRT" --root "$DIR/full" --config "$ROOT/svirt.conf" define "$DIR/a.xml"
  umount full
else
  refused "a state directory of somebody else is told" 'Permission denied' "$SVIRT" --root / --config "$ROOT/svirt.conf" define "$DIR/a.xml"
fi
finish
