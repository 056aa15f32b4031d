//! The one order in which member commits are applied.
//!
//! A commit comes after its member heads. Of what that leaves open, the commits of the elder author come first, elder by
//! depth in the tree of admissions, and among equals the smaller commit id: **the least commit, and with it all it
//! builds on, is applied as early as can be, then the next one, and so on.** An owner who removed another one is therefore
//! not overtaken by what that other later writes on top of old heads, even if the removal builds on commits of people
//! who were admitted late (merely taking the least of what is ready at each step would let it be overtaken).
//!
//! The depth of a commit's author is read from the commits it builds on: 0 for the first owner, one more than that of
//! whoever admitted the author, and the same for further devices of the same member. It counts admissions that were
//! written, also those which turn out void: it only orders, and none can raise an author above the admission's own.
//! So it is known before anything is judged, and no later commit changes it.
//!
//! Cost: O((c + h) log c) for c commits with h heads between them, and at each fork or merge of their graph O(k / 64 + d)
//! for the k keys admitted so far, d of which the branches know differently.

use std::collections::BinaryHeap;

use super::lineage::{Lineage, Table};
use super::{MemberCommit, MemberRecord};
use crate::id::{CommitId, DeviceKey, LedgerId, MemberId};
use crate::member::{MemberOperation, is_join_signed};

/// The depth of an author whom nothing below the commit admits.
const STRANGER: u32 = u32::MAX;

/// Member commits in the order in which they are applied.
pub(super) struct Order<'a> {
    /// Those whose ancestors are all held.
    pub(super) ready: Vec<Ranked<'a>>,
    /// The others, ascending.
    pub(super) waiting: Vec<CommitId>,
}

/// A commit in its place.
pub(super) struct Ranked<'a> {
    pub(super) commit: &'a MemberCommit,
    /// The places of its member heads.
    pub(super) heads: Vec<usize>,
    /// How many others name it as a member head.
    pub(super) children: usize,
    /// Whether it builds on the genesis commit, or is it.
    pub(super) is_rooted: bool,
}

/// Puts commits in order; a commit that is given twice is taken once.
pub(super) fn order<'a>(ledger: LedgerId, commits: &'a [MemberCommit]) -> Order<'a> {
    let graph = Graph::new(commits);
    let upward = graph.upward();
    let mut is_ready = vec![false; graph.nodes.len()];
    upward.iter().for_each(|&node| is_ready[node] = true);
    let genesis = graph.nodes.iter().position(|node| is_genesis(ledger, node));
    let is_rooted = graph.descendants(genesis, &upward);
    let above = graph.ready_children(&is_ready);
    let depths = Depths::of(&graph, ledger, genesis, &upward, above.clone());
    let sequence = graph.sequence(&upward, above.clone(), &depths);

    let mut places = vec![0; graph.nodes.len()];
    sequence.iter().enumerate().for_each(|(place, &node)| places[node] = place);
    let ready = sequence.iter().map(|&node| Ranked {
        commit: graph.nodes[node],
        heads: graph.heads[node].iter().map(|&head| places[head]).collect(),
        children: above[node],
        is_rooted: is_rooted[node],
    });
    Order {
        ready: ready.collect(),
        waiting: (0..graph.nodes.len()).filter(|&node| !is_ready[node]).map(|node| graph.nodes[node].id).collect(),
    }
}

/// Whether this commit is the root that the ledger id names. Two such need a collision of 128 bits; [`order`] then takes
/// the smaller.
pub(super) fn is_genesis(ledger: LedgerId, commit: &MemberCommit) -> bool {
    commit.id.0[..16] == ledger.0 && commit.member_heads.is_empty() && commit.previous.is_empty()
}

struct Graph<'a> {
    /// Ascending by id, so that a node's number orders it among equals.
    nodes: Vec<&'a MemberCommit>,
    heads: Vec<Vec<usize>>,
    children: Vec<Vec<usize>>,
    /// Nodes that name a head which is not held.
    lacks_head: Vec<bool>,
}

impl<'a> Graph<'a> {
    fn new(commits: &'a [MemberCommit]) -> Self {
        let mut nodes: Vec<&MemberCommit> = commits.iter().collect();
        nodes.sort_by_key(|commit| commit.id);
        nodes.dedup_by_key(|commit| commit.id);
        let mut graph = Self {
            heads: vec![Vec::new(); nodes.len()],
            children: vec![Vec::new(); nodes.len()],
            lacks_head: vec![false; nodes.len()],
            nodes,
        };
        for node in 0..graph.nodes.len() {
            let mut named = graph.nodes[node].member_heads.clone();
            named.sort_unstable();
            named.dedup();
            for head in named {
                match graph.nodes.binary_search_by_key(&head, |commit| commit.id) {
                    Ok(head) => {
                        graph.heads[node].push(head);
                        graph.children[head].push(node);
                    }
                    Err(_) => graph.lacks_head[node] = true,
                }
            }
        }
        graph
    }

    /// Every node whose ancestors are all held, after all of them. What lies on a cycle, which no honest hash can make,
    /// is left out like what lacks a head.
    fn upward(&self) -> Vec<usize> {
        let mut missing: Vec<usize> = self.heads.iter().map(Vec::len).collect();
        let mut upward: Vec<usize> =
            (0..self.nodes.len()).filter(|&node| missing[node] == 0 && !self.lacks_head[node]).collect();
        let mut next = 0;
        while let Some(&node) = upward.get(next) {
            next += 1;
            for &child in &self.children[node] {
                missing[child] -= 1;
                if missing[child] == 0 && !self.lacks_head[child] {
                    upward.push(child);
                }
            }
        }
        upward
    }

    fn descendants(&self, root: Option<usize>, upward: &[usize]) -> Vec<bool> {
        let mut is_below = vec![false; self.nodes.len()];
        for &node in upward {
            is_below[node] = Some(node) == root || self.heads[node].iter().any(|&head| is_below[head]);
        }
        is_below
    }

    fn ready_children(&self, is_ready: &[bool]) -> Vec<usize> {
        self.children.iter().map(|children| children.iter().filter(|&&child| is_ready[child]).count()).collect()
    }

    /// Built from its end: the greatest of those on which nothing is built any more goes last. This is the order in which
    /// the least comes as early as it can, then the second least, and so on.
    fn sequence(&self, upward: &[usize], mut above: Vec<usize>, depths: &[u32]) -> Vec<usize> {
        let mut tips: BinaryHeap<(u32, usize)> =
            upward.iter().filter(|&&node| above[node] == 0).map(|&node| (depths[node], node)).collect();
        let mut sequence = Vec::with_capacity(upward.len());
        while let Some((_, node)) = tips.pop() {
            sequence.push(node);
            for &head in &self.heads[node] {
                above[head] -= 1;
                if above[head] == 0 {
                    tips.push((depths[head], head));
                }
            }
        }
        sequence.reverse();
        sequence
    }
}

/// How deep the holder of a key is, and for which member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    depth: u32,
    member: Option<MemberId>,
}

impl Rank {
    /// The rank of whom the holder of this one admits.
    fn admits(self, member: Option<MemberId>) -> Self {
        let is_same = member.is_some() && member == self.member;
        Self { depth: if is_same { self.depth } else { (self.depth + 1).min(STRANGER - 1) }, member }
    }
}

/// The least rank that the commits up to some point give each key: of a device, a server or an invite.
type Ranks = Table<Rank>;

struct Depths<'g, 'a> {
    graph: &'g Graph<'a>,
    ledger: LedgerId,
    genesis: Option<usize>,
    lineage: Lineage<DeviceKey, Rank>,
}

impl<'g, 'a> Depths<'g, 'a> {
    fn of(
        graph: &'g Graph<'a>,
        ledger: LedgerId,
        genesis: Option<usize>,
        upward: &[usize],
        children: Vec<usize>,
    ) -> Vec<u32> {
        let mut depths = vec![STRANGER; graph.nodes.len()];
        let mut pass = Self { graph, ledger, genesis, lineage: Lineage::new(children, |one, other| one < other) };
        for &node in upward {
            depths[node] = pass.enter(node);
        }
        depths
    }

    fn enter(&mut self, node: usize) -> u32 {
        let commit = self.graph.nodes[node];
        let mut ranks = self.lineage.below(&self.graph.heads[node]);
        let own = if Some(node) == self.genesis { founded(commit) } else { self.joined(commit, &ranks) };
        if let Some(rank) = own {
            self.lineage.put(&mut ranks, commit.device, rank);
        }
        let author = self.lineage.get(&ranks, &commit.device);
        if let Some(author) = author {
            for record in &commit.operations {
                if let Some((key, rank)) = self.admission(author, record, &ranks) {
                    self.lineage.put(&mut ranks, key, rank);
                }
            }
        }
        self.lineage.keep(node, ranks);
        author.map_or(STRANGER, |author| author.depth)
    }

    /// The rank that an invite gives a device not known before, which signs the commit. The invite's signature is checked
    /// here too, or whoever has read an invite could claim the rank of its maker.
    fn joined(&self, commit: &MemberCommit, ranks: &Ranks) -> Option<Rank> {
        if self.lineage.get(ranks, &commit.device).is_some() {
            return None;
        }
        commit.operations.iter().find_map(|record| match record {
            MemberRecord::Member(MemberOperation::Join { member, device, invite_key, signature })
                if *device == commit.device =>
            {
                let invite = self.lineage.get(ranks, invite_key)?;
                is_join_signed(&self.ledger, member, device, invite_key, signature)
                    .then_some(Rank { member: Some(*member), ..invite })
            }
            _ => None,
        })
    }

    /// Whom an operation would admit, and how deep.
    fn admission(&self, author: Rank, record: &MemberRecord, ranks: &Ranks) -> Option<(DeviceKey, Rank)> {
        let MemberRecord::Member(operation) = record else { return None };
        match operation {
            MemberOperation::Add { member, device, .. } | MemberOperation::AddDevice { member, device } => {
                Some((*device, author.admits(Some(*member))))
            }
            MemberOperation::ReplaceDevice { member, new, .. } => Some((*new, author.admits(Some(*member)))),
            MemberOperation::Invite { invite_key, member, .. } => Some((*invite_key, author.admits(*member))),
            MemberOperation::Server { key, .. } => Some((*key, author.admits(None))),
            MemberOperation::Confirm { device } => {
                self.lineage.get(ranks, device).map(|known| (*device, author.admits(known.member)))
            }
            _ => None,
        }
    }
}

fn founded(commit: &MemberCommit) -> Option<Rank> {
    match commit.operations.first() {
        Some(MemberRecord::Member(MemberOperation::Genesis { member, device, .. })) if *device == commit.device => {
            Some(Rank { depth: 0, member: Some(*member) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order by its definition: the least of what is left, after all it builds on, and so on.
    fn least_first(left: &mut Vec<usize>, keys: &[u32], graph: &Graph<'_>, sequence: &mut Vec<usize>) {
        while let Some(&least) = left.iter().min_by_key(|&&node| (keys[node], node)) {
            let mut below = ancestors(least, graph);
            below.retain(|node| left.contains(node));
            left.retain(|node| *node != least && !below.contains(node));
            least_first(&mut below, keys, graph, sequence);
            sequence.push(least);
        }
    }

    fn ancestors(node: usize, graph: &Graph<'_>) -> Vec<usize> {
        let (mut open, mut found) = (graph.heads[node].clone(), Vec::new());
        while let Some(node) = open.pop() {
            if !found.contains(&node) {
                found.push(node);
                open.extend(&graph.heads[node]);
            }
        }
        found
    }

    #[test]
    fn the_order_built_from_its_end_is_the_one_defined_from_its_start() {
        let mut dice = 1u64;
        let mut throw = |bound: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((dice >> 33) % bound).unwrap()
        };
        for _ in 0..500 {
            // A commit's id says nothing of its place, so heads are drawn by age and ids are shuffled.
            let ids: Vec<CommitId> =
                (0..12u8).map(|n| CommitId(*blake3::hash(&[n, throw(256).to_le_bytes()[0]]).as_bytes())).collect();
            let commits: Vec<MemberCommit> = (0..ids.len())
                .map(|age| MemberCommit {
                    id: ids[age],
                    device: DeviceKey([1; 32]),
                    member_heads: (0..throw(3).min(age)).map(|_| ids[throw(age as u64)]).collect(),
                    previous: Vec::new(),
                    on_behalf: None,
                    operations: Vec::new(),
                })
                .collect();
            let graph = Graph::new(&commits);
            let keys: Vec<u32> = ids.iter().map(|_| u32::try_from(throw(4)).unwrap()).collect();
            let upward = graph.upward();
            let above = graph.ready_children(&vec![true; ids.len()]);
            let mut expected = Vec::new();
            least_first(&mut (0..ids.len()).collect(), &keys, &graph, &mut expected);
            assert_eq!(graph.sequence(&upward, above, &keys), expected);
        }
    }
}
