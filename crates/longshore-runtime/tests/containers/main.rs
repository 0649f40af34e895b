//! Containers that really run: each test has a folder of its own and leaves nothing behind.

mod beside_docker;
mod ground;
mod life;
