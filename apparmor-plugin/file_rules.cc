// SPDX-License-Identifier: LGPL-2.1-or-later
// Walks the shared automaton and a tree of the domain's paths together, and merges equal states.
#include "file_rules.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace svirt::apparmor {

namespace {

constexpr uint32_t kOtherShift = 14;  // of the half for files that somebody else owns
constexpr uint32_t kExecBits = 0x3f81;
// What the parser makes of l without a target: link to anything of the profile's own, but get no
// more permissions by it than the target has.
constexpr uint32_t kLinkPair = (kMayLink | kMayLock) | kMayLink << kOtherShift;

uint32_t BothHalves(uint32_t permissions) {
  return permissions | permissions << kOtherShift;
}

// The rules' paths as a tree. Node 0 is "none of them any more".
struct PathTree {
  static constexpr uint32_t kNone = 0, kRoot = 1;
  struct Node {
    std::map<uint8_t, uint32_t> children;
    uint32_t permissions = 0;
    uint32_t below = 0;
  };
  std::vector<Node> nodes = std::vector<Node>(2);

  explicit PathTree(const std::vector<FileRule> &rules) {
    for (const FileRule &rule : rules) {
      uint32_t at = kRoot;
      for (const char c : rule.path) {
        const auto [child, added] = nodes[at].children.try_emplace(
            static_cast<uint8_t>(c), static_cast<uint32_t>(nodes.size()));
        at = child->second;
        if (added) {
          nodes.emplace_back();
        }
      }
      (rule.below ? nodes[at].below : nodes[at].permissions) |= rule.permissions;
    }
  }

  uint32_t Child(uint32_t node, uint8_t byte) const {
    const auto child = nodes[node].children.find(byte);
    return child == nodes[node].children.end() ? uint32_t{kNone} : child->second;
  }
};

// Where a path has got to in everything that is walked at once.
struct Position {
  uint32_t base = Dfa::kDead;
  uint32_t limit = Dfa::kDead;
  uint32_t node = PathTree::kNone;
  uint32_t below = 0;  // permissions of the directories it is below
  // The path of a link, a NUL, and that of its target: 1 after the NUL, 2 after the target's first
  // slash, 3 further on.
  uint32_t link = 0;

  bool operator==(const Position &) const = default;
  bool IsPlain() const { return node == PathTree::kNone && below == 0 && link == 0; }
};

struct PositionHash {
  size_t operator()(const Position &position) const {
    uint64_t hash = position.base;
    for (const uint32_t part : {position.limit, position.node, position.below, position.link}) {
      hash = hash * 0x9e3779b97f4a7c15 + part;
    }
    return hash ^ hash >> 32;
  }
};

struct StateHash {
  size_t operator()(const DfaState &state) const {
    uint64_t hash = state.permissions.allow * uint64_t{31} + state.otherwise;
    for (const auto &[byte, next] : state.edges) {
      hash = hash * 0x9e3779b97f4a7c15 + (uint64_t{next} << 8 | byte);
    }
    return hash ^ hash >> 32;
  }
};

// Walks base, limit and the rules' tree at once. States of base that no rule reaches stay as they
// are; each further position becomes a state behind them.
class Grafting {
 public:
  Grafting(const Dfa &base, const Dfa *limit, const std::vector<FileRule> &rules)
      : base_(base), limit_(limit), tree_(rules) {
    dfa_.states = base.states;
  }

  std::optional<Dfa> Run() {
    const uint32_t start = StateOf({Dfa::kStart, Dfa::kStart, PathTree::kRoot, 0, 0});
    for (size_t done = 0; done < positions_.size(); ++done) {
      // Position and state are copies: new ones are added meanwhile.
      const Position position = positions_[done];
      DfaState state = Make(position);
      dfa_.states[base_.states.size() + done] = std::move(state);
      if (dfa_.states.size() > kMostPositions) {
        return std::nullopt;
      }
    }
    MergeEqual();
    return Number(start);
  }

 private:
  // Before equal ones are merged; bounds time and memory.
  static constexpr size_t kMostPositions = size_t{1} << 20;

  uint32_t StateOf(const Position &position) {
    if (position.IsPlain()) {
      return position.base;
    }
    const auto [known, added] =
        known_.try_emplace(position, static_cast<uint32_t>(dfa_.states.size()));
    if (added) {
      positions_.push_back(position);
      dfa_.states.emplace_back();
    }
    return known->second;
  }

  Position Step(const Position &from, uint8_t byte) const {
    Position to;
    to.base = base_.states[from.base].Next(byte);
    to.limit = limit_ != nullptr ? limit_->states[from.limit].Next(byte) : 0;
    to.node = tree_.Child(from.node, byte);
    if (byte != 0 && from.link == 0) {
      to.below = from.below | (byte != '/' ? tree_.nodes[from.node].below : 0);
    }
    to.link = NextLink(from, byte);
    return to;
  }

  static uint32_t NextLink(const Position &from, uint8_t byte) {
    switch (from.link) {
      case 0:
        return byte == 0 && (from.below & kMayLink) != 0 ? 1 : 0;
      case 1:
        return byte == '/' ? 2 : 0;
      case 2:
        return byte == '/' ? 0 : 3;
      default:
        return 3;
    }
  }

  Permissions PermissionsAt(const Position &position) const {
    const uint32_t own = position.link == 0 ? position.below : 0;
    uint32_t more = BothHalves(tree_.nodes[position.node].permissions | own);
    if (position.link == 3) {
      more |= kLinkPair;
    }
    Permissions permissions = base_.states[position.base].permissions;
    if (limit_ != nullptr) {
      more &= limit_->states[position.limit].permissions.allow;
    }
    // Two ways to execute one file would contradict each other; base's stays.
    if ((permissions.allow & kExecBits) != 0) {
      more &= ~BothHalves(kExecBits);
    }
    permissions.allow |= more;
    return permissions;
  }

  DfaState Make(const Position &position) {
    DfaState state;
    const PathTree::Node &node = tree_.nodes[position.node];
    if (position.below == 0 && position.link == 0 && node.below == 0) {
      // Only the tree's edges differ from what base does here.
      state = base_.states[position.base];
      for (const auto &[byte, child] : node.children) {
        SetEdge(&state, byte, StateOf(Step(position, byte)));
      }
    } else {
      // 'a' stands for the many bytes that mean nothing in particular.
      Position last = Step(position, 'a');
      uint32_t next = StateOf(last);
      state.otherwise = next;
      for (unsigned byte = 0; byte < 256; ++byte) {
        const Position to = Step(position, static_cast<uint8_t>(byte));
        if (to != last) {
          last = to;
          next = StateOf(to);
        }
        SetEdge(&state, static_cast<uint8_t>(byte), next);
      }
    }
    state.permissions = PermissionsAt(position);
    return state;
  }

  static void SetEdge(DfaState *state, uint8_t byte, uint32_t next) {
    if (next == state->otherwise) {
      state->edges.erase(byte);
    } else {
      state->edges[byte] = next;
    }
  }

  // Paths that end alike share the states of their end. Most edges of a new state lead to a later
  // one, so that going backwards merges nearly all there is to merge.
  void MergeEqual() {
    const size_t first = base_.states.size();
    merged_.resize(dfa_.states.size());
    std::iota(merged_.begin(), merged_.end(), 0);
    std::unordered_map<DfaState, uint32_t, StateHash> kept;
    kept.reserve(dfa_.states.size() - first);
    for (size_t i = dfa_.states.size(); i-- > first;) {
      Redirect(&dfa_.states[i]);
      merged_[i] = kept.try_emplace(dfa_.states[i], static_cast<uint32_t>(i)).first->second;
    }
  }

  void Redirect(DfaState *state) const {
    state->otherwise = merged_[state->otherwise];
    for (auto edge = state->edges.begin(); edge != state->edges.end();) {
      edge->second = merged_[edge->second];
      edge = edge->second == state->otherwise ? state->edges.erase(edge) : std::next(edge);
    }
  }

  // Leaves out what nothing leads to any more, and puts start into its place.
  std::optional<Dfa> Number(uint32_t start) {
    constexpr uint32_t kUnseen = 0xffffffff;
    std::vector<uint32_t> number(dfa_.states.size(), kUnseen);
    std::vector<uint32_t> order;
    const auto see = [&](uint32_t state) {
      state = merged_[state];
      if (number[state] == kUnseen) {
        number[state] = static_cast<uint32_t>(order.size());
        order.push_back(state);
      }
      return number[state];
    };
    see(Dfa::kDead);
    see(start);
    Dfa out;
    for (size_t i = 0; i < order.size(); ++i) {
      DfaState state = dfa_.states[order[i]];
      Redirect(&state);
      state.otherwise = see(state.otherwise);
      for (auto &[byte, next] : state.edges) {
        next = see(next);
      }
      out.states.push_back(std::move(state));
      if (order.size() > Dfa::kMaxStates) {
        return std::nullopt;
      }
    }
    return out;
  }

  const Dfa &base_;
  const Dfa *limit_;
  PathTree tree_;
  Dfa dfa_;  // base's states, then one for each of positions_
  std::vector<Position> positions_;
  std::unordered_map<Position, uint32_t, PositionHash> known_;
  std::vector<uint32_t> merged_;
};

}  // namespace

std::vector<FileRule> Merge(std::vector<FileRule> rules) {
  std::sort(rules.begin(), rules.end());
  std::vector<FileRule> merged;
  for (FileRule &rule : rules) {
    if (!merged.empty() && merged.back().path == rule.path && merged.back().below == rule.below) {
      merged.back().permissions |= rule.permissions;
    } else {
      merged.push_back(std::move(rule));
    }
  }
  return merged;
}

std::optional<Dfa> AddRules(const Dfa &base, const Dfa *limit, const std::vector<FileRule> &rules) {
  return Grafting(base, limit, rules).Run();
}

}  // namespace svirt::apparmor
