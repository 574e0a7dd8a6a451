// SPDX-License-Identifier: LGPL-2.1-or-later
// Addresses and ranges of PCI devices are read, and nothing else passes for a device.
#include "pci_device.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <svirt/sdk_fd.h>

#include <cerrno>

namespace svirt::flask {
namespace {

TEST(PciDeviceTest, AddressesAreRead) {
  EXPECT_EQ(ParsePciAddress("0000:00:00.0"), 0U);
  EXPECT_EQ(ParsePciAddress("0000:03:00.0"), 0x0300U);
  EXPECT_EQ(ParsePciAddress("0000:ff:1f.7"), 0xffffU);
  EXPECT_EQ(ParsePciAddress("0001:02:03.4"), 0x1021cU);
  for (const char *text : {"", "00:00.0", "0000:00:20.0", "0000:00:00.8", "0000:00:00.00",
                           "0000:00:00", "000g:00:00.0", "0000-00:00.0", "0000:0x:00.0",
                           "0000:00:00.0/", " 000:00:00.0", "+000:00:00.0"}) {
    EXPECT_FALSE(ParsePciAddress(text)) << text;
  }
}

TEST(PciDeviceTest, RangesAreRead) {
  PciDevice device;
  ASSERT_TRUE(
      ParsePciRanges("0x00000000febc0000 0x00000000febdffff 0x0000000000040200\n"
                     "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                     "0x000000000000c000 0x000000000000c03f 0x0000000000040101\n"
                     "0x00000000febe0010 0x00000000febe001f 0x0000000000040200\n",
                     &device));
  ASSERT_EQ(device.io_memory.size(), 2U);
  EXPECT_EQ(device.io_memory[0].first, 0xfebc0U);
  EXPECT_EQ(device.io_memory[0].last, 0xfebdfU);
  EXPECT_EQ(device.io_memory[1].first, 0xfebe0U);
  EXPECT_EQ(device.io_memory[1].last, 0xfebe0U);
  ASSERT_EQ(device.io_ports.size(), 1U);
  EXPECT_EQ(device.io_ports[0].first, 0xc000U);
  EXPECT_EQ(device.io_ports[0].last, 0xc03fU);
  for (const char *text : {"0x1 0x2\n", "0x1 0x2 0x200 0x3\n", "0x2 0x1 0x200\n", "1 2 0x200\n",
                           "0x1 0x2 x\n", "\n", "0x11111111111111111 0x2 0x200\n"}) {
    EXPECT_FALSE(ParsePciRanges(text, &device)) << text;
  }
}

TEST(PciDeviceTest, OtherObjectsAreNoPciDevices) {
  PciDevice device;
  for (const char *path : {"/", "/dev/null", "/proc/self"}) {
    const sdk::Fd fd(open(path, O_PATH | O_CLOEXEC));
    ASSERT_GE(fd.get(), 0) << path;
    EXPECT_EQ(ReadPciDevice(fd.get(), &device), ENODEV) << path;
  }
  EXPECT_EQ(ReadPciDevice(-1, &device), EBADF);
}

}  // namespace
}  // namespace svirt::flask
