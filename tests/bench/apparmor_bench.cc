// SPDX-License-Identifier: LGPL-2.1-or-later
// What a domain's AppArmor profile costs, beside apparmor_parser on a profile of the size of
// libvirt's. Loading is measured where there is a kernel to load into. Times in milliseconds, the
// least and the median of the rounds.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "apparmor-plugin/apparmor_api.h"
#include "apparmor-plugin/compiler.h"
#include "apparmor-plugin/policy_maker.h"
#include "apparmor-plugin/profile_name.h"

namespace svirt::apparmor {
namespace {

constexpr int kRounds = 7;

// A domain with disks whose names have nothing in common, and a number of its own.
class Subject {
 public:
  Subject(unsigned number, unsigned disks) {
    char text[37];
    std::snprintf(text, sizeof text, "%08x-1111-4111-8111-111111111111", number);
    uuid_ = text;
    paths_.reserve(disks);
    for (unsigned i = 0; i < disks; ++i) {
      uint64_t mixed = (uint64_t{number} << 32 | i) * 0x9e3779b97f4a7c15;
      mixed = (mixed ^ (mixed >> 29)) * 0xbf58476d1ce4e5b9;
      std::snprintf(text, sizeof text, "%016llx-%08x", static_cast<unsigned long long>(mixed),
                    i * 2654435761u);
      paths_.push_back("/srv/images/" + std::string(text) + ".qcow2");
    }
    for (const std::string &path : paths_) {
      svirt_resource resource{};
      resource.struct_size = sizeof resource;
      resource.kind = SVIRT_RES_DISK;
      resource.object = SVIRT_OBJ_FILE;
      resource.access = SVIRT_ACCESS_READ | SVIRT_ACCESS_WRITE;
      resource.fd = -1;
      resource.path = path.c_str();
      resources_.push_back(resource);
    }
  }

  svirt_domain Domain() const {
    svirt_domain domain{};
    domain.struct_size = sizeof domain;
    domain.label_type = SVIRT_LABEL_DYNAMIC;
    domain.uuid = uuid_.c_str();
    domain.name = "bench";
    domain.emulator = "/usr/bin/qemu-system-x86_64";
    domain.resources = resources_.data();
    domain.resource_count = static_cast<uint32_t>(resources_.size());
    domain.resource_size = sizeof(svirt_resource);
    return domain;
  }
  const std::vector<std::string> &paths() const { return paths_; }

 private:
  std::string uuid_;
  std::vector<std::string> paths_;
  std::vector<svirt_resource> resources_;
};

struct Times {
  double least = 0, median = 0;
};

Times Measure(const std::function<void()> &body, int rounds = kRounds) {
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    body();
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
            .count());
  }
  std::sort(times.begin(), times.end());
  return {times.front(), times[times.size() / 2]};
}

// The image is known after the measurement, which is an argument as well.
void Print(const char *what, unsigned number, Times times, const std::string &image) {
  std::printf("%-44s %5u %9.3f %9.3f %8zu\n", what, number, times.least, times.median,
              image.size());
  std::fflush(stdout);
}

// The work of one start up to the kernel: manifest to image, and its name.
std::string Make(const PolicyMaker &maker, const Subject &subject, std::string *name) {
  Policy policy;
  std::string image;
  svirt_error error{};
  error.struct_size = sizeof error;
  if (maker.Gather(subject.Domain(), &policy, &error) != SVIRT_OK) {
    return "";
  }
  *name = ProfileName(policy.uuid, policy.DigestText());
  return maker.Make(policy, *name, &image, &error) == SVIRT_OK ? image : "";
}

// As large as what libvirt makes: three of the distribution's abstractions, and some 160 rules of
// the kind that its own has.
std::string LibvirtSized(const Subject &subject) {
  std::string text =
      "include <tunables/global>\nprofile bench {\n include <abstractions/base>\n"
      " include <abstractions/consoles>\n include <abstractions/nameservice>\n"
      " capability dac_override,\n capability net_raw,\n network inet stream,\n"
      " signal (receive),\n ptrace (readby, tracedby),\n /dev/kvm rw,\n /dev/net/tun rw,\n"
      " /{,var/}tmp/{,**} r,\n owner @{PROC}/*/{status,auxv} r,\n @{PROC}/sys/vm/* r,\n"
      " /sys/devices/system/node/{,**} r,\n /sys/bus/{pci,usb}/devices/{,**} r,\n"
      " /dev/snd/{,**} rw,\n /{usr/,}{s,}bin/qemu-* rmix,\n";
  for (int i = 0; i < 70; ++i) {
    const std::string name = "thing" + std::to_string(i * 37 % 71);
    text += " /usr/share/" + name + "/{,**} r,\n /usr/{lib,lib64}/qemu/" + name + "*.so mr,\n";
  }
  for (const std::string &path : subject.paths()) {
    text += " \"" + path + "\" rwk,\n";
  }
  return text + "}\n";
}

std::string Parse(const std::string &parser, const std::string &text) {
  std::string image;
  svirt_error error{};
  error.struct_size = sizeof error;
  if (Compile(parser, text, &image, &error) != SVIRT_OK) {
    std::printf("# %s\n", error.message);
  }
  return image;
}

void BenchLoading(AppArmorApi *api, const PolicyMaker &maker, const std::string &parser) {
  std::vector<std::string> loaded;
  const auto load = [&](const std::string &image) { return api->Load(image); };
  for (const unsigned disks : {1u, 10u, 100u, 1000u}) {
    const Subject subject(disks, disks);
    std::string name, image;
    Print("start: make and load, disks", disks, Measure([&] {
            image = Make(maker, subject, &name);
            load(image);
          }),
          image);
    api->Remove(name);
  }
  if (!parser.empty()) {
    const Subject subject(1, 10);
    std::string image;
    Print("apparmor_parser: compile and load, disks", 10, Measure([&] {
            image = Parse(parser, LibvirtSized(subject));
            load(image);
          }),
          image);
    api->Remove("bench");
  }
  // One more start with others running; names and contents all differ.
  for (const unsigned domains : {1u, 100u, 500u}) {
    std::string name;
    while (loaded.size() < domains) {
      const std::string image =
          Make(maker, Subject(0x10000 + static_cast<unsigned>(loaded.size()), 10), &name);
      load(image);
      loaded.push_back(name);
    }
    const Subject subject(0xfffff, 10);
    std::string image;
    Print("start of 10 disks, with domains loaded", domains, Measure([&] {
            image = Make(maker, subject, &name);
            load(image);
          }),
          image);
    api->Remove(name);
  }
  for (const std::string &name : loaded) {
    api->Remove(name);
  }
}

int Main() {
  const std::string parser = FindParser();
  Settings settings;
  settings.local_directory = settings.cache_directory = "/nonexistent";
  Times once{};
  once = Measure([&] { const PolicyMaker maker(settings); });
  std::printf("%-44s %5s %9s %9s %8s\n", "what", "n", "min ms", "med ms", "bytes");
  Print("init: shared policy read", 1, once, "");
  const PolicyMaker maker(settings);
  for (const unsigned disks : {1u, 10u, 100u, 500u, 1000u}) {
    const Subject subject(disks, disks);
    std::string name, image;
    Print("make: manifest to image, disks", disks,
          Measure([&] { image = Make(maker, subject, &name); }), image);
    if (image.empty()) {
      std::printf("# no image for %u disks\n", disks);
      return 1;
    }
    if (!parser.empty() && disks <= 100) {
      Print("apparmor_parser, libvirt-sized, disks", disks,
            Measure([&] { image = Parse(parser, LibvirtSized(subject)); }, 5), image);
    }
  }
  const auto api = MakeKernelApi();
  std::string name;
  const int errnum = api->Enabled() != 0 ? api->Enabled() : api->Load(Make(maker, {7, 1}, &name));
  if (errnum != 0) {
    std::printf("# loading is not measured: it needs a kernel with AppArmor, and root\n");
    return 0;
  }
  api->Remove(name);
  BenchLoading(api.get(), maker, parser);
  return 0;
}

}  // namespace
}  // namespace svirt::apparmor

int main() {
  return svirt::apparmor::Main();
}
