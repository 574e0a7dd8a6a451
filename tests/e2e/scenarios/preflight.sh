#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every domain of the XML tests, as it is and with what it names on this machine: what the preflight
# accepts starts, under the labels of its plan, or fails for a reason of the emulator's, in its words;
# what it refuses, define and start refuse in the same words; and each leaves the files as they were.
# shellcheck source=tests/e2e/common.sh
. "$SVIRT_TEST/common.sh"

# Others on this machine take users, too, and a plan is for when nothing else starts.
[ "$(id -u)" -ne 0 ] || configure '[model dac]' 'first_id = 2140000000' 'count = 1000'

FILES=$DIR/machine
exits() { # CMD...: its exit status; what it says is in out
  "$@" >"$DIR/out" 2>&1
  echo $?
}
# What svirt says of a failure, a line for each reason, without its place in the document: that of a
# definition is another one. Warnings are none.
complaint() { sed '/^svirt: warning: /d; s/^svirt: //' "$DIR/out" | without_places; }
without_places() { sed 's/^[^ ]*\.xml:[0-9]*: //'; }
owners() { find "$FILES" -printf '%p %U:%G %m\n' | sort; }

# provide NAME: NAME.xml for this machine, with each file that it names below $FILES. Nothing that is
# missing in /dev, /sys or /usr can be made.
provide() {
  # shellcheck disable=SC2016 # perl's variables
  FILES=$FILES perl -0pe '
    s{(["\x27>])(/(?!>|dev/|sys/|usr/|proc/|run/qemu-pr)[^"\x27<]+)}{$1$ENV{FILES}$2}g;
    s{type=(["\x27])kvm}{type=$1qemu}; s{<uuid>[^<]*</uuid>}{};
    s{<memory[^>]*>[^<]*</memory>}{<memory unit="MiB">64</memory>};
    s{<currentMemory[^>]*>[^<]*</currentMemory>}{};' "$DOMAINS/$1.xml" >"$DIR/$1.xml"
  local format=raw previous='' previous_format='' path what
  while read -r what path; do
    case $what in
      format) format=$path ;;
      dir) mkdir -p "$path" ;;
      socket) mkdir -p "$(dirname "$path")" ;;
      kernel) mkdir -p "$(dirname "$path")" && cp "$GUEST/vmlinuz" "$path" ;;
      initrd) mkdir -p "$(dirname "$path")" && cp "$GUEST/initrd.gz" "$path" ;;
      file)
        mkdir -p "$(dirname "$path")"
        [ -e "$path" ] || qemu-img create -q -f "$format" "$path" 1M >/dev/null 2>&1 || truncate -s 1M "$path"
        ;;
      backing) # the image before it lies upon this one
        mkdir -p "$(dirname "$path")"
        [ -e "$path" ] || qemu-img create -q -f "$format" "$path" 1M
        [ "$previous_format" != qcow2 ] || qemu-img rebase -u -f qcow2 -F "$format" -b "$path" "$previous"
        ;;
    esac
    case $what in file | backing) previous=$path previous_format=$format format=raw ;; esac
  done < <(FILES=$FILES perl -0ne '
    sub plain {
      my ($text) = @_;
      s/&apos;/\x27/g, s/&quot;/"/g, s/&lt;/</g, s/&gt;/>/g, s/&amp;/&/g for $text;
      return $text;
    }
    my $in_backing = 0;
    while (m{<(/?[\w:-]+)([^>]*)>([^<]*)}g) {
      my ($name, $attributes, $text) = ($1, $2, $3);
      if ($name eq "disk" || $name eq "/disk") { $in_backing = 0 }
      $in_backing = 1 if $name eq "backingStore";
      print "format $2\n" if $name =~ /^(driver|format)$/ && $attributes =~ /type=(["\x27])(\w+)\1/;
      for my $key (qw(file dir path socket)) {
        next unless $attributes =~ /\b$key=(["\x27])(\Q$ENV{FILES}\E.*?)\1/;
        my $kind = $key eq "path" ? "socket" : $key eq "file" && $in_backing ? "backing" : $key;
        print "$kind ", plain($2), "\n";
      }
      if ($text =~ /^\Q$ENV{FILES}\E/) {
        print $name =~ /^(kernel|initrd)$/ ? $name : "file", " ", plain($text), "\n";
      }
    }' "$DIR/$1.xml")
}

started=0 refusing=0
# try NAME WHAT: NAME.xml in $DIR.
try() {
  local name=$1 what="$1 $2" status refusals before planned
  status=$(exits svirt plan "$DIR/$name.xml")
  case $status in
    0 | 10 | 20) ;;
    *)
      equal "a plan of $what ends with 0, 10 or 20" "one of these" "$status: $(cat "$DIR/out")"
      return
      ;;
  esac
  refusals=$(sed -n 's/^CANNOT START: //p' "$DIR/out" | without_places)
  planned=$(sed -n 's/^  process label *//p' "$DIR/out")
  before=$(owners)
  status+=" $(exits svirt define "$DIR/$name.xml")"
  if [ "$status" = "20 0" ]; then # for now
    status+=" $(exits svirt start "$name")"
  fi
  case $status in
    "20 0 0") equal "$what, which has a plan of a failure, does not start" "refused" "started" ;;
    20*)
      refusing=$((refusing + 1))
      # A definition is not refused what the machine lacks now.
      if [ "$status" = "20 ${status##* }" ]; then
        equal "$what: what define refuses stands in the plan" "" \
          "$(complaint | grep -vxF -e "$refusals")"
      else
        equal "$what is refused in the words of the plan" "$(sort <<<"$refusals")" "$(complaint | sort)"
      fi
      ;;
    "0 0" | "10 0")
      status=$(exits svirt start "$name")
      if [ "$status" -eq 0 ]; then
        started=$((started + 1))
        equal "$what runs under the labels of its plan" "$planned" \
          "$(svirt dominfo "$name" | sed -n 's/^Security label: *\(.*\) (enforcing)$/\1/p')"
        ok "$what is destroyed" svirt destroy "$name"
      else
        contains "$what fails in the emulator's own words, if at all" \
          '^svirt: QEMU ended before its monitor answered: .*qemu-system' cat "$DIR/out"
        equal "which is a failure of the system" 1 "$status"
      fi
      ;;
    *) equal "$what, which has a plan, is defined" "" "$status: $(cat "$DIR/out")" ;;
  esac
  equal "$what leaves the files that were there as they were" "" \
    "$(comm -23 <(printf '%s\n' "$before") <(owners))"
  [ "$(exits svirt domstate "$name")" -ne 0 ] || ok "$what is undefined" svirt undefine "$name"
}

mkdir "$FILES"
for xml in "$DOMAINS"/*.xml; do
  name=$(basename "$xml" .xml)
  cp "$xml" "$DIR/$name.xml"
  try "$name" "as it is"
  provide "$name"
  try "$name" "with its files"
done
echo "# $started started, $refusing refused"
differ "some are refused" 0 "$refusing"
finish
