//! A trace as a tree: who is whose child.

use crate::world::World;
use candor_tests::collector::{Kind, Span};
use candor_tests::eventually;
use std::collections::BTreeSet;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// The spans of one trace.
pub(crate) struct Tree(Vec<Span>);

impl Tree {
    /// Waits until a trace is there as a whole: these spans are in it, no parent of any is missing but `outside`, and no
    /// call is without its answering half.
    pub(crate) async fn whole(world: &World, trace: &str, outside: &str, names: &[&str]) -> Self {
        let what = format!("the trace {trace} has {names:?} and no gaps");
        let mut tree = Self(Vec::new());
        eventually(&what, PATIENCE, async || {
            tree = Self(world.collector.trace(trace));
            let ids: BTreeSet<&str> = tree.0.iter().map(|span| span.id.as_str()).collect();
            let parents: BTreeSet<&str> = tree.0.iter().map(|span| span.parent.as_str()).collect();
            let is_call =
                |span: &Span| span.kind == Kind::Client && span.attributes.contains_key("rpc.method");
            let holds = |span: &Span| {
                (span.parent == outside || ids.contains(span.parent.as_str()))
                    && (!is_call(span) || parents.contains(span.id.as_str()))
            };
            tree.0.iter().all(holds) && names.iter().all(|name| tree.0.iter().any(|span| span.name == *name))
        })
        .await;
        tree
    }

    /// The only span whose parent is not in the trace.
    pub(crate) fn root(&self) -> &Span {
        let ids: BTreeSet<&str> = self.0.iter().map(|span| span.id.as_str()).collect();
        let roots: Vec<&Span> = self.0.iter().filter(|span| !ids.contains(span.parent.as_str())).collect();
        let [root] = roots[..] else { panic!("one root: {roots:#?}") };
        root
    }

    /// The only child of a span with this name and kind, in this process.
    pub(crate) fn child(&self, parent: &Span, name: &str, kind: Kind, process: &str) -> &Span {
        let children = || self.0.iter().filter(|span| span.parent == parent.id);
        let named: Vec<&Span> = children()
            .filter(|span| span.name == name && span.kind == kind && span.service == process)
            .collect();
        let [child] = named[..] else {
            let all: Vec<_> = children().map(|span| (&span.name, span.kind, &span.service)).collect();
            panic!("{} has one child {name} of {kind:?} in {process}; it has {all:#?}", parent.name)
        };
        child
    }

    /// A call of a span, from its client's half to its server's.
    pub(crate) fn call(&self, parent: &Span, name: &str, [from, to]: [&str; 2]) -> &Span {
        self.child(self.child(parent, name, Kind::Client, from), name, Kind::Server, to)
    }

    /// The names of the statements that a span ran.
    pub(crate) fn statements(&self, parent: &Span) -> Vec<&str> {
        let children = self.0.iter().filter(|span| span.parent == parent.id && span.kind == Kind::Client);
        let statements = children.filter(|span| span.attributes.contains_key("db.system.name"));
        statements.map(|span| span.name.as_str()).collect()
    }

    /// Every span.
    pub(crate) fn spans(&self) -> &[Span] {
        &self.0
    }
}
