//! Whole command lines against a store of their own, with a played backstage.

mod docker;
mod explaining;
mod places;
mod play;
mod queueing;
mod reading;
mod running;
mod schedules;
mod stage;
mod storing;
