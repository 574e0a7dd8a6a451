// SPDX-License-Identifier: LGPL-2.1-or-later
// The domain as plain data, with one struct for each kind of device.
#pragma once

#include <boost/property_tree/ptree.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/domain/seclabel.h"

namespace svirt {

// A domain as its XML describes it: the parts that become resources or that a hypervisor driver
// needs, typed; and the whole document as a tree, so that what is not understood is kept.
// Strings that the XML does not give are empty, numbers 0. Paths are absolute.
// position: the place of the element in the document, whose elements are counted from 1; it orders
// the manifest, and what is said about the domain. 0: none.
// alias: the name of a device among those of its domain, never empty after parsing: what <alias
// name=> says if NameDevices can use it, otherwise one by its kind and place.

struct PciAddress {
  unsigned domain = 0, bus = 0, slot = 0, function = 0;
};

// <source> of a disk or of a backing image.
struct ImageSource {
  enum class Type { kNone, kFile, kBlock, kDir, kNetwork, kVolume, kNvme, kVhostUser, kVhostVdpa };
  Type type = Type::kNone;
  // file=, dev=, dir=; the socket of vhost-user; for kNetwork the unix socket of the server, if it
  // has one; for kVolume what the volume was resolved to, by whoever knows pools.
  std::string path;
  std::string format;        // raw, qcow2, ...: from <driver type> or <format type>; never guessed
  std::string pool, volume;  // kVolume
  std::string data_file;     // <dataStore> of a qcow2 image, always raw
  bool data_is_block = false;     // data_file is a block device
  PciAddress pci;                 // kNvme: the controller
  std::string reservations_path;  // socket of the persistent reservations helper
  std::vector<DeviceSecLabel> seclabels;
};

struct Disk {
  std::string device = "disk";  // disk, cdrom, floppy, lun
  std::string target, bus;      // "vda", "virtio"
  std::string cache, io, serial;
  bool readonly = false, shareable = false;  // a cdrom is always readonly
  unsigned boot_order = 0;                   // <boot order=>, from 1; 0 none
  // The chain from the top down. chain[0] is the image the guest sees; empty drives have none.
  std::vector<ImageSource> chain;
  bool chain_closed = false;  // an empty <backingStore/> ends the chain: nothing further down
  uint32_t position = 0;
};

// Character devices, and the sources of rng, smartcard, redirdev and friends.
struct CharSource {
  enum class Type {
    kNone,
    kNull,
    kVc,
    kPty,
    kDev,
    kFile,
    kPipe,
    kStdio,
    kUnix,
    kTcp,
    kUdp,
    kSpicevmc,
    kOther
  };
  Type type = Type::kNone;
  std::string path;
  bool listen = false;                  // unix: mode='bind'
  bool append = false;                  // file: append='on'
  std::string host, service;            // udp: where to send to
  std::string bind_host, bind_service;  // udp: where to receive, if the XML says so
  std::string log_path;                 // <log file=>
  bool log_append = true;               // unless the XML says append='off'
  std::vector<DeviceSecLabel> seclabels;
};

struct Chardev {
  std::string alias;
  std::string kind;         // serial, parallel, console, channel; redirdev, smartcard
  std::string target_type;  // virtio, isa-serial, ...
  std::string target_name;  // channel's name=
  unsigned port = 0;
  // The first console of a domain with serial ports, of target type serial, is the first serial
  // port under another name, not a device.
  bool serial_alias = false;
  CharSource source;
  uint32_t position = 0;
};

struct HostDevice {
  std::string alias;
  std::string type;  // pci, usb, scsi, scsi_host, mdev
  bool managed = false, readonly = false, shareable = false;
  unsigned domain = 0, bus = 0, slot = 0, function = 0;  // pci; usb: bus
  unsigned device = 0;                                   // usb; 0 if given by ids only
  unsigned vendor_id = 0, product_id = 0;                // usb
  std::string adapter;                                   // scsi: "scsi_host0"
  unsigned scsi_bus = 0, target = 0, unit = 0;
  std::string wwpn;    // scsi_host
  bool iscsi = false;  // scsi: reached by the network
  std::string mdev_uuid;
  std::string rom_file;  // <rom file=>, read by the emulator
  std::vector<DeviceSecLabel> seclabels;
  uint32_t position = 0;
};

struct Tpm {
  std::string model;        // tpm-tis, tpm-crb, ...
  std::string backend;      // passthrough, emulator, external
  std::string device_path;  // passthrough
  std::string cancel_path;  // passthrough
  std::string socket_path;  // external
  std::string state_path;   // emulator: state directory or file
  uint32_t position = 0;
};

struct MemoryDevice {
  std::string alias;
  std::string model;  // nvdimm, virtio-pmem, dimm, sgx-epc
  std::string path;
  bool readonly = false;
  uint64_t size_bytes = 0;
  unsigned node = 0;  // of the guest
  uint32_t position = 0;
};

struct Filesystem {
  std::string type, driver;  // mount; path, virtiofs
  std::string access_mode;  // passthrough, mapped, squash; whose the files are that the guest makes
  std::string source_dir, target_tag;
  std::string socket_path;  // virtiofsd run by somebody else
  bool readonly = false;
  uint32_t position = 0;
};

struct Interface {
  std::string alias;
  std::string type;  // user, ethernet, bridge, network, direct, vhostuser, vdpa
  std::string mac, model;
  std::string source;       // bridge, network, or device name; device path for vdpa
  std::string target;       // tap device name
  std::string socket_path;  // vhostuser
  bool socket_server = false;
  std::string driver;                // <driver name=>: qemu, vhost
  std::string tap_path, vhost_path;  // <backend tap= vhost=>: other nodes than the usual
  std::string rom_file;              // <rom file=>, read by the emulator
  unsigned boot_order = 0;           // <boot order=>, from 1; 0 none
  uint32_t position = 0;
};

struct Graphics {
  std::string type;         // vnc, spice, egl-headless, dbus
  std::string socket_path;  // listen on a unix socket
  std::string listen;       // address
  int port = -1;
  bool autoport = true;
  bool listens = true;      // <listen type='none'/>: nowhere
  std::string render_node;  // <gl rendernode=>
  std::string xauth;        // sdl: X authority file
  uint32_t position = 0;
};

struct Input {
  std::string type, bus;  // evdev, passthrough, tablet, ...
  std::string path;
  uint32_t position = 0;
};

struct Rng {
  std::string backend;  // random, egd, builtin
  std::string path;     // random: the device, /dev/urandom if the XML gives none
  CharSource egd;
  uint32_t position = 0;
};

struct Shmem {
  std::string name, model;
  std::string server_path;
  uint32_t position = 0;
};

struct LoaderNvram {
  std::string loader, loader_type;  // type: rom, pflash
  bool loader_readonly = true;      // unless the XML says readonly='no'
  std::string nvram, nvram_template;
  bool nvram_is_block = false;
  std::vector<DeviceSecLabel> nvram_seclabels;
};

struct Domain {
  std::string type;  // kvm, qemu, ...: the virt type
  std::string name;  // any UTF-8 without '/' and control characters
  std::string uuid;  // 36 characters, lower case; made up if the XML gives none
  uint64_t memory_bytes = 0;
  uint64_t current_memory_bytes = 0;  // <currentMemory>, what the guest is to have of it; else all
  uint64_t max_memory_bytes = 0;      // <maxMemory>: with all memory devices; 0 if it is not given
  unsigned memory_slots = 0;          // <maxMemory slots=>: for memory devices
  unsigned vcpus = 1;
  std::string arch, machine, os_type;   // x86_64, pc-q35-7.2, hvm
  std::vector<std::string> boot_order;  // <boot dev=>
  std::string cpu_mode, cpu_model;
  std::string emulator;
  std::string kernel, initrd, dtb, cmdline;
  LoaderNvram firmware;
  std::vector<std::string> acpi_tables;                     // <acpi><table>
  std::vector<std::pair<std::string, std::string>> fw_cfg;  // sysinfo fwcfg entries: name, file
  bool acpi = false;                                        // <features><acpi/>
  std::string memory_source;  // <memoryBacking><source type=>: file, memfd, anonymous
  bool hugepages = false;
  std::string on_poweroff, on_reboot, on_crash;
  std::vector<Disk> disks;
  std::vector<Chardev> chardevs;
  std::vector<Chardev> redirections;  // <redirdev>, and <smartcard mode='passthrough'>
  std::vector<HostDevice> hostdevs;
  std::vector<Tpm> tpms;
  std::vector<MemoryDevice> memory_devices;
  std::vector<Filesystem> filesystems;
  std::vector<Interface> interfaces;
  std::vector<Graphics> graphics;
  std::vector<Input> inputs;
  std::vector<Rng> rngs;
  std::vector<Shmem> shmems;
  std::vector<std::string> render_nodes;         // <video><model><acceleration rendernode=>
  std::vector<std::string> smartcard_databases;  // <smartcard mode='host-certificates'>
  std::string launch_security;                   // <launchSecurity type=>: sev, tdx, ...
  bool vsock = false;
  uint32_t vsock_cid = 0;
  std::vector<std::string> qemu_args;                         // <qemu:commandline><qemu:arg>
  std::vector<std::pair<std::string, std::string>> qemu_env;  // <qemu:env>
  std::vector<SecLabel> seclabels;
  // Paths of backing images that QEMU writes to for a while, in a block job. Not in the XML.
  std::vector<std::string> writable_backing;
  // Positions of what stands once in a document, by element name: "kernel", "emulator", ...
  std::map<std::string, uint32_t, std::less<>> positions;
  std::vector<std::string> unknown;  // paths of elements that are kept but not acted upon

  // The document, as Boost.PropertyTree keeps XML (<xmlattr>, <xmlcomment>).
  boost::property_tree::ptree document;
  std::string file;  // it was read from, for messages
  std::vector<unsigned long>
      lines;  // of its elements, by position; empty: nobody has seen the text
};

}  // namespace svirt
