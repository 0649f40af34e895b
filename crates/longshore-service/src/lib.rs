//! `DockerService`: direct container operations, one file each.
//!
//! For callers who create, start, watch, stop and clean up containers themselves, with the names and
//! answers of the legacy system. What is done here goes through the same executors, and into the
//! same records by the same transitions, as what workers do: nothing is doubled, lost or invented.
//!
//! Terms: a job *in our charge* is one that its caller drives; a *charge* is the current attempt of
//! such a job with the place where it is; to *settle* a charge is to bring its record up to what its
//! container shows; to *conclude* it is to write how it ended: verdict, log, removal.

mod bulk;
mod cancel_job;
mod charge;
mod check_container_status;
mod cleanup;
mod cleanup_old_containers;
mod conclude;
mod container_id;
mod container_stats;
mod create_container;
mod discover_running_containers;
mod error;
mod everywhere;
mod get_client;
mod get_container_logs;
mod get_container_stats;
mod get_docker_version;
mod harvest_completed_job;
mod health_check;
mod launch_job;
mod list_containers;
mod log_keeper;
mod options;
mod output_of_job;
mod place;
mod placing;
mod prepare;
mod pull_image;
mod remove_container;
mod resources;
mod restart_job;
mod service;
mod start_container;
mod stop_container;
mod subject;
mod wait_for_container;
mod watches;

pub use check_container_status::ContainerStatus;
pub use cleanup::{Cleanup, Condemned, LegacyContainers, Reason, Swept};
pub use container_id::ContainerId;
pub use container_stats::ContainerStats;
pub use discover_running_containers::{Discovered, Origin};
pub use error::{ContainerExecutionError, DockerConnectionError, ServiceError, Why};
pub use everywhere::OnHost;
pub use get_container_logs::{LogWish, Tail, legacy_line};
pub use longshore_executor::{Force, Listed, Removed, Resource, ResourceKind, Which};
pub use options::{Now, OnJobPull, ServiceOptions};
pub use output_of_job::JobOutput;
pub use placing::NoHost;
pub use pull_image::PullWish;
pub use resources::{Cleared, Fate, Leftovers};
pub use service::DockerService;
