// SPDX-License-Identifier: LGPL-2.1-or-later
// Identity notes: what is read, what is refused, and what has to agree with the table.
#include "host/loader/note.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace svirt {
namespace {

using ::testing::HasSubstr;

TEST(Note, ReadsWhatTheMacroWrites) {
  const auto note = ParseNote(SVIRT_NOTE_TEXT("selinux", "9.1", 0, 500));
  ASSERT_TRUE(note.ok()) << note.error().message;
  EXPECT_EQ(note->abi(), "1.0");
  EXPECT_EQ(note->min_host_minor, 0u);
  EXPECT_EQ(note->model, "selinux");
  EXPECT_EQ(note->version, "9.1");
  EXPECT_EQ(note->priority, 500);
}

TEST(Note, PriorityIsOptionalAndUnknownKeysAreIgnored) {
  const auto note = ParseNote("abi=1.7\nmodel=x\ncolour=green=blue\nversion=1\nmin-host=1.2");
  ASSERT_TRUE(note.ok()) << note.error().message;
  EXPECT_EQ(note->abi(), "1.7");
  EXPECT_EQ(note->min_host_minor, 2u);
  EXPECT_EQ(note->priority, 0);
}

TEST(Note, RefusesWhatIsNotOne) {
  const struct {
    const char *text, *sentence;
  } rows[] = {
      {"", "lacks abi"},
      {"abi=1.0\nversion=1\nmin-host=1.0\n", "lacks model"},
      {"abi=1.0\nmodel=x\nmin-host=1.0\n", "lacks version"},
      {"abi=1.0\nmodel=x\nversion=1\n", "lacks min-host"},
      {"abi=1.0\nabi=1.0\nmodel=x\nversion=1\nmin-host=1.0\n", "has abi twice"},
      {"abi=1\nmodel=x\nversion=1\nmin-host=1.0\n", "has \"\" as abi"},
      {"abi=1.x\nmodel=x\nversion=1\nmin-host=1.0\n", "has \"x\" as abi"},
      {"abi=-1.0\nmodel=x\nversion=1\nmin-host=1.0\n", "has \"-1\" as abi"},
      {"abi=1.65536\nmodel=x\nversion=1\nmin-host=1.0\n", "has \"65536\" as abi"},
      {"abi=1.99999999999999999999\nmodel=x\nversion=1\nmin-host=1.0\n", "as abi"},
      {"abi=1.0\nmodel=../x\nversion=1\nmin-host=1.0\n", "has \"../x\" as model"},
      {"abi=1.0\nmodel=x\nversion=\nmin-host=1.0\n", "a version that is not a line"},
      {"abi=1.0\nmodel=x\nversion=\xff\nmin-host=1.0\n", "a version that is not a line"},
      {"abi=1.0\nmodel=x\nversion=1\nmin-host=1.0\npriority=1000\n", "has \"1000\" as priority"},
      {"abi=1.0\nmodel=x\nversion=1\nmin-host=1.0\npriority=\n", "has \"\" as priority"},
      {"nonsense", "has the line \"nonsense\", not key=value"},
      {"=x", "not key=value"},
      {"abi=1.0\n\nmodel=x\n", "not key=value"},
  };
  for (const auto &row : rows) {
    const auto note = ParseNote(row.text);
    ASSERT_FALSE(note.ok()) << row.text;
    EXPECT_EQ(note.error().code, Errc::kRefused);
    EXPECT_THAT(note.error().message, HasSubstr(row.sentence));
  }
  EXPECT_FALSE(ParseNote(std::string(5000, 'x')).ok());
}

TEST(Note, ThereIsExactlyOne) {
  ElfImage image;
  EXPECT_THAT(NoteOf(image).error().message, HasSubstr("it has no identity note (.note.svirt)"));
  image.notes = {SVIRT_NOTE_TEXT("x", "1", 0, 1)};
  EXPECT_TRUE(NoteOf(image).ok());
  image.notes.push_back(image.notes[0]);
  EXPECT_THAT(NoteOf(image).error().message, HasSubstr("it has 2 identity notes"));
}

TEST(Note, AbiRefusalsHaveBothNumbers) {
  Note note;
  note.abi_major = 1;
  note.abi_minor = 9;  // newer, but content with an old host
  note.min_host_major = 1;
  EXPECT_TRUE(CheckNoteAbi(note).ok());
  note.min_host_minor = 4;
  EXPECT_EQ(CheckNoteAbi(note).error().message, "it needs host ABI 1.4, this host provides 1.0");
  note.min_host_major = 9;
  note.min_host_minor = 0;
  EXPECT_EQ(CheckNoteAbi(note).error().message, "it needs host ABI 9.0, this host provides 1.0");
  note.abi_major = 2;
  EXPECT_EQ(CheckNoteAbi(note).error().message,
            "it is built for plugin ABI 2.9, this host provides 1.0");
}

TEST(Note, TableHasToAgree) {
  Note note;
  note.abi_major = 1;
  note.model = "x";
  note.version = "1";
  svirt_plugin table{};
  table.abi_major = 1;
  table.model = "x";
  table.version = "1";
  EXPECT_TRUE(CheckTableAgrees(note, table).ok());
  table.model = "y";
  EXPECT_EQ(CheckTableAgrees(note, table).error().message,
            "its identity note and its table disagree: the model is x in the note and y in the "
            "table");
  table.model = "x";
  table.version = "2";
  EXPECT_THAT(CheckTableAgrees(note, table).error().message, HasSubstr("the version is 1"));
  table.version = "1";
  table.abi_minor = 1;
  EXPECT_THAT(CheckTableAgrees(note, table).error().message, HasSubstr("the ABI is 1.0"));
  table.abi_minor = 0;
  table.min_host_minor = 1;
  EXPECT_THAT(CheckTableAgrees(note, table).error().message, HasSubstr("the oldest host minor"));
}

}  // namespace
}  // namespace svirt
