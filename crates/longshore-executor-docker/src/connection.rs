//! Ways to an engine: a *route* is where it is, a *line* is one open connection to it.

mod dialer;
mod route;
mod ssh;
mod tls;

pub(crate) use dialer::Dialer;
pub(crate) use route::Route;
