//! No cycles between the top modules of a crate.
//!
//! An edge is a path that starts with `crate::` (or with as many `super::` as lead to the root) and
//! names another top module, or something that the root re-exports from one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use syn::visit::{self, Visit};

use super::finding::Finding;
use super::source::{Source, is_test_only};

type Graph = BTreeMap<String, BTreeSet<String>>;

/// Checks all crates.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut crates: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in sources {
        if let Some((folder, _)) = source.in_crate() {
            crates.entry(folder).or_default().push(source);
        }
    }
    crates
        .iter()
        .flat_map(|(folder, sources)| check_crate(folder, sources))
        .collect()
}

fn check_crate(folder: &str, sources: &[&Source]) -> Vec<Finding> {
    let exports = root_exports(sources);
    let modules: BTreeSet<String> = sources
        .iter()
        .filter_map(|source| top_module(source))
        .collect();
    let mut graph = Graph::new();
    for source in sources {
        let Some(module) = top_module(source) else {
            continue;
        };
        let mut paths = Paths {
            depth: depth_of(source),
            names: BTreeSet::new(),
        };
        paths.visit_file(&source.syntax);
        let lead_to = |name: &String| exports.get(name).unwrap_or(name).clone();
        let targets = paths.names.iter().map(lead_to);
        let others = targets.filter(|target| *target != module && modules.contains(target));
        graph.entry(module.clone()).or_default().extend(others);
    }
    find_cycles(&graph)
        .into_iter()
        .map(|group| report(folder, &group, &graph))
        .collect()
}

fn report(folder: &str, group: &[String], graph: &Graph) -> Finding {
    let item = group.join(" ");
    let rounds = group
        .iter()
        .filter_map(|module| shortest_round(graph, module));
    let round = rounds.min_by_key(Vec::len).unwrap_or_default().join(" → ");
    let text = format!("modules use each other in a circle: {round} (all in it: {item})");
    Finding::plain(folder, "cycle", &item, text)
}

/// The shortest way from a module back to itself, both ends included.
fn shortest_round(graph: &Graph, start: &str) -> Option<Vec<String>> {
    let mut ways = VecDeque::from([vec![start.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for target in graph.get(way.last()?).into_iter().flatten() {
            let longer = [way.as_slice(), std::slice::from_ref(target)].concat();
            if target == start {
                return Some(longer);
            }
            if seen.insert(target) {
                ways.push_back(longer);
            }
        }
    }
    None
}

/// The module below the crate's root that a file belongs to; `None` for the root itself.
fn top_module(source: &Source) -> Option<String> {
    let (_, below) = source.in_crate()?;
    let first = below.split('/').next()?.trim_end_matches(".rs");
    let is_root = matches!(below, "lib.rs" | "main.rs") || first == "bin";
    (!is_root).then(|| first.to_owned())
}

/// How many `super` lead from the file's module to the root.
fn depth_of(source: &Source) -> usize {
    source
        .in_crate()
        .map_or(0, |(_, below)| below.split('/').count())
}

/// What the root re-exports: name → top module.
fn root_exports(sources: &[&Source]) -> BTreeMap<String, String> {
    let roots = sources.iter().filter(|source| top_module(source).is_none());
    let mut exports = BTreeMap::new();
    for item in roots.flat_map(|root| &root.syntax.items) {
        if let syn::Item::Use(import) = item {
            collect_exports(&import.tree, None, &mut exports);
        }
    }
    exports
}

fn collect_exports(
    tree: &syn::UseTree,
    module: Option<&str>,
    exports: &mut BTreeMap<String, String>,
) {
    match tree {
        syn::UseTree::Path(path) => {
            let name = path.ident.to_string();
            let start = if name == "crate" || name == "self" {
                None
            } else {
                Some(name.as_str())
            };
            collect_exports(&path.tree, module.or(start), exports);
        }
        syn::UseTree::Group(group) => {
            group
                .items
                .iter()
                .for_each(|item| collect_exports(item, module, exports));
        }
        syn::UseTree::Name(name) => {
            exports.extend(module.map(|module| (name.ident.to_string(), module.to_owned())));
        }
        syn::UseTree::Rename(rename) => {
            exports.extend(module.map(|module| (rename.rename.to_string(), module.to_owned())));
        }
        syn::UseTree::Glob(_) => {}
    }
}

/// The first names after the root of all paths in a file, test code excepted.
struct Paths {
    depth: usize,
    names: BTreeSet<String>,
}

impl Paths {
    /// How many of a path's first words (`crate`, `self`, `super`) stand for the root; `None` when
    /// they lead elsewhere.
    fn root_words(&self, words: &[String]) -> Option<usize> {
        if words.first().is_some_and(|word| word == "crate") {
            return Some(1);
        }
        let supers = words.iter().take_while(|word| *word == "super").count();
        (supers > 0 && supers == self.depth).then_some(supers)
    }

    fn path(&mut self, words: &[String]) {
        if let Some(name) = self.root_words(words).and_then(|root| words.get(root)) {
            self.names.insert(name.clone());
        }
    }

    fn tree(&mut self, tree: &syn::UseTree, before: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(&path.tree, before);
                before.pop();
            }
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.tree(item, before));
            }
            syn::UseTree::Name(name) => {
                self.path(&[before.as_slice(), &[name.ident.to_string()]].concat());
            }
            syn::UseTree::Rename(name) => {
                self.path(&[before.as_slice(), &[name.ident.to_string()]].concat());
            }
            syn::UseTree::Glob(_) => self.path(before),
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if is_test_only(&module.attrs) {
            return;
        }
        self.depth += 1;
        visit::visit_item_mod(self, module);
        self.depth -= 1;
    }

    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        self.tree(&import.tree, &mut Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<String> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        self.path(&words);
        visit::visit_path(self, path);
    }
}

/// Groups of modules that all reach each other, each in the order of its names.
fn find_cycles(graph: &Graph) -> Vec<Vec<String>> {
    let reach: Graph = graph
        .keys()
        .map(|module| (module.clone(), reachable(graph, module)))
        .collect();
    let mutual = |one: &str, other: &str| {
        let leads = |from: &str, to: &str| reach.get(from).is_some_and(|set| set.contains(to));
        leads(one, other) && leads(other, one)
    };
    let mut cycles = BTreeSet::new();
    for module in graph.keys() {
        let group: Vec<String> = graph
            .keys()
            .filter(|other| mutual(module, other))
            .cloned()
            .collect();
        if !group.is_empty() {
            cycles.insert(group);
        }
    }
    cycles.into_iter().collect()
}

fn reachable(graph: &Graph, start: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![start];
    while let Some(next) = waiting.pop() {
        for target in graph.get(next).into_iter().flatten() {
            if seen.insert(target.clone()) {
                waiting.push(target);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::super::source::samples::source;
    use super::*;

    fn cycles_in(files: &[(&str, &str)]) -> Vec<String> {
        let parse = |(name, text): &(&str, &str)| source(&format!("crates/x/src/{name}"), text);
        let sources: Vec<Source> = files.iter().map(parse).collect();
        check(&sources)
            .into_iter()
            .map(|finding| finding.item)
            .collect()
    }

    #[test]
    fn two_modules_that_use_each_other_are_found() {
        let files = [
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "fn f() { crate::a::go(); }"),
        ];
        assert_eq!(cycles_in(&files), ["a b"]);
    }

    #[test]
    fn the_shortest_round_is_told() {
        let parse = |name: &str, text| source(&format!("crates/x/src/{name}.rs"), text);
        let sources = [
            parse("a", "use crate::b::B;"),
            parse("b", "use crate::c::C; use crate::d::D;"),
            parse("c", "use crate::a::A;"),
            parse("d", "use crate::b::B;"),
        ];
        let text = check(&sources).remove(0).text;
        assert!(text.contains("b → d → b (all in it: a b c d)"), "{text}");
    }

    #[test]
    fn a_longer_way_round_is_found_through_files_in_folders() {
        let files = [
            ("a.rs", "use crate::b;"),
            ("b/c.rs", "use super::super::d::D;"),
            ("d.rs", "use super::a::A;"),
        ];
        assert_eq!(cycles_in(&files), ["a b d"]);
    }

    #[test]
    fn a_name_that_the_root_re_exports_leads_to_its_module() {
        let files = [
            ("lib.rs", "pub use b::{B, C};"),
            ("a.rs", "use crate::C;"),
            ("b.rs", "use crate::a::A;"),
        ];
        assert_eq!(cycles_in(&files), ["a b"]);
    }

    #[test]
    fn one_way_and_test_code_are_fine() {
        let files = [
            ("a.rs", "use crate::{b, c::C};"),
            ("b.rs", "use crate::c;"),
            ("c.rs", "#[cfg(test)] mod tests { use crate::a::A; }"),
        ];
        assert_eq!(cycles_in(&files), [""; 0]);
    }
}
