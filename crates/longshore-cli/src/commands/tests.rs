//! Whole command lines against a store of their own, with a played backstage.

mod places;
mod reading;
mod running;
mod storing;
