// SPDX-License-Identifier: LGPL-2.1-or-later
// What tests of the services start with: a machine of its own, with a hypervisor and security
// models that need no kernel and no root.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/labels/testing/fake_model.h"
#include "host/service/host.h"
#include "host/service/testing/fake_hypervisor.h"

namespace svirt {

// Domains get the model fakemac. There is another one, othermac.
class ServiceTest : public testing::Test {
 protected:
  ServiceTest();
  ~ServiceTest() override;

  // As another command sees it.
  std::unique_ptr<Host> Open();

  // An image of that name; it is made if it is not there.
  std::string Image(const std::string &name) const;
  // vm1 with the uuid 1, and so on: a domain with one disk, NAME.img.
  static std::string NameOf(int number) { return "vm" + std::to_string(number); }
  static std::string UuidOf(int number);
  // more: what stands at its end. type: of the domain.
  std::string Xml(int number, const std::string &more = "", const std::string &type = "fake") const;
  static std::string DiskXml(const std::string &path, const std::string &target = "vda");
  Domain Parse(const std::string &xml);

  // These fail the test if they do not succeed.
  void Define(int number, const std::string &more = "");
  RunningDomain Start(int number, const std::string &more = "");

  // What the kernel has, as that model put it there.
  std::string LabelOf(const std::string &path) const { return mac_.LabelOf(path); }
  // Nothing of a domain is left: no process, label, status, directory, nor its lock.
  void ExpectNothingLeft(int number);
  bool IsDefined(const std::string &uuid) { return Open()->definitions.IsDefined(uuid); }
  std::string StatusFile(int number) const;
  std::string DefinitionFile(int number) const;
  // All warnings, each with a newline behind it.
  std::string Warnings() const { return warnings_; }
  // The exit code of a process that does this with a Host of its own.
  int InAnotherProcess(const std::function<int(Host &)> &work);

  fake::TempDir dir_;
  Paths paths_;
  FakeVmm vmm_;
  Config config_;
  fake::ModelTable mac_, other_;

 private:
  std::string warnings_;
};

}  // namespace svirt
