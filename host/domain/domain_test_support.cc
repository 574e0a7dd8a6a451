// SPDX-License-Identifier: LGPL-2.1-or-later
// Loads the test data, and parses texts that must be good or must be refused.
#include "host/domain/domain_test_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "host/domain/domain_xml.h"

namespace svirt {

std::string ReadTestDomain(const std::string &name) {
  std::ifstream stream(std::string(SVIRT_TESTDATA) + "/" + name + ".xml");
  std::ostringstream text;
  text << stream.rdbuf();
  EXPECT_TRUE(stream) << name;
  return text.str();
}

std::vector<std::string> TestDomainNames() {
  std::vector<std::string> names;
  for (const auto &entry : std::filesystem::directory_iterator(SVIRT_TESTDATA)) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string DomainText(const std::string &devices, const std::string &after) {
  return "<domain type='qemu'>\n<name>a</name>\n<uuid>0f3c1e5a-7b2d-4c68-9a10-000000000001</uuid>\n"
         "<devices>\n" +
         devices + "</devices>\n" + after + "</domain>\n";
}

Domain MustParse(const std::string &text) {
  Result<Domain> domain = ParseDomainXml(text, "f.xml");
  if (!domain) {
    ADD_FAILURE() << domain.error().message << "\n" << text.substr(0, 1000);
    return {};
  }
  return *std::move(domain);
}

std::string MustFail(const std::string &text) {
  const Result<Domain> domain = ParseDomainXml(text, "f.xml");
  if (domain) {
    ADD_FAILURE() << "accepted: " << text.substr(0, 1000);
    return "";
  }
  EXPECT_EQ(domain.error().code, Errc::kInvalid);
  return domain.error().message;
}

std::string Describe(const Resource &resource) {
  std::string line = std::string(ResourceKindName(resource.kind)) + " " +
                     std::string(ObjectTypeName(resource.object)) + " " +
                     AccessName(resource.access) + " " + resource.path;
  line += resource.chain_depth == 0 ? "" : " depth=" + std::to_string(resource.chain_depth);
  line += resource.shared ? " shared" : "";
  line += resource.subtree ? " subtree" : "";
  line += resource.optional ? " optional" : "";
  return line;
}

}  // namespace svirt
