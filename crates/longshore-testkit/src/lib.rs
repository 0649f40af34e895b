//! What tests stand on: private container engines, images made on the spot, registries, a proxy
//! that breaks conversations, certificates, an SSH server, a PostgreSQL server, the system that longshore comes
//! from, and waiting without sleeping.
//!
//! Words: a *sandbox* is a set of Linux namespaces that holds one engine, so that nothing of it
//! (bridge, mounts, processes, firewall rules) is ever seen outside or survives it. The *shared
//! engine* is the one that `cargo xtask engine up` started for all tests; a test that stops or
//! kills an engine starts one of its own with [`Engine::start`].

mod access;
mod bucket;
mod cable;
mod cgroups;
mod cluster;
mod command;
mod cut_proxy;
mod engine;
mod eventually;
mod fault_proxy;
mod fault_rules;
mod http_head;
mod image_archive;
mod images;
mod legacy_site;
mod machine_programs;
mod names;
mod pki;
mod places;
mod postgres;
mod registry;
mod registry_gate;
mod sandbox;
mod shared;
mod shared_postgres;
mod sshd;
mod tethered;

pub use access::EngineAccess;
pub use bucket::Bucket;
pub use cable::Cable;
pub use cluster::postgres_programs;
pub use command::{feed, run};
pub use cut_proxy::CutProxy;
pub use engine::{Door, Engine, EngineOptions};
pub use eventually::{Seen, eventually, eventually_async};
pub use fault_proxy::FaultProxy;
pub use fault_rules::{Fault, Rule, RuleId};
pub use images::{
    DEMO_DEBIAN, DEMO_IMAGE, demo_debian_archive, demo_debian_image, demo_image_archive,
    load_demo_debian, load_demo_image, save_image,
};
pub use legacy_site::{LegacyRelease, LegacySite};
pub use names::{temp_dir, unique_name};
pub use pki::{Certificate, Pki};
pub use places::{longshore_bin, target_dir, testbed_dir, workspace_dir};
pub use postgres::Postgres;
pub use registry::{Credentials, Registry, RegistryKind};
pub use registry_gate::{GateMood, RegistryGate};
pub use shared::{SharedEngine, shared_engine, sweep};
pub use shared_postgres::{SharedDatabase, SharedPostgres, shared_database};
pub use sshd::Sshd;
