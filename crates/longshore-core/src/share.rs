//! Shares of a host: how much CPU and memory a job is given, a host has, and is taken there.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::host::{Host, HostFacts};
use crate::limits::CPU_OVERCOMMIT;
use crate::spec::{ByteSize, Cpus, JobSpec};

/// An amount of CPU and memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Share {
    /// CPUs, in billionths.
    pub cpu_nanos: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
}

impl Share {
    /// None of either.
    pub const NOTHING: Self = Self {
        cpu_nanos: 0,
        memory_bytes: 0,
    };
    /// More than there is anywhere.
    pub const ENDLESS: Self = Self {
        cpu_nanos: u64::MAX,
        memory_bytes: u64::MAX,
    };

    /// The limits of a job; without a limit it counts as nothing.
    pub fn of_job(spec: &JobSpec) -> Self {
        Self {
            cpu_nanos: spec.cpus.map_or(0, Cpus::nanos),
            memory_bytes: spec.memory.map_or(0, ByteSize::bytes),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            cpu_nanos: self.cpu_nanos.saturating_add(other.cpu_nanos),
            memory_bytes: self.memory_bytes.saturating_add(other.memory_bytes),
        }
    }

    /// What is left of it without the other; of each at least nothing.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            cpu_nanos: self.cpu_nanos.saturating_sub(other.cpu_nanos),
            memory_bytes: self.memory_bytes.saturating_sub(other.memory_bytes),
        }
    }

    /// How much of one of the two.
    pub fn get(self, resource: Resource) -> u64 {
        match resource {
            Resource::Cpu => self.cpu_nanos,
            Resource::Memory => self.memory_bytes,
        }
    }
}

/// What shares are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// CPUs, counted in billionths.
    Cpu,
    /// Memory, counted in bytes.
    Memory,
}

impl Resource {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Cpu, Self::Memory];

    /// An amount of it, for people: `1.5 CPUs`, `64 GiB`.
    pub fn amount(self, amount: u64) -> Amount {
        Amount {
            resource: self,
            amount,
        }
    }
}

/// See [`Resource::amount`].
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    resource: Resource,
    amount: u64,
}

/// Units of memory, largest first, with how far each is shifted.
const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.resource {
            Resource::Cpu => {
                let hundredths = self.amount / 10_000_000;
                write_decimal(f, hundredths / 100, hundredths % 100)?;
                f.write_str(if hundredths == 100 { " CPU" } else { " CPUs" })
            }
            Resource::Memory => {
                let unit = UNITS
                    .into_iter()
                    .find(|(_, shift)| self.amount >> shift > 0);
                let Some((unit, shift)) = unit else {
                    return write!(f, "{} B", self.amount);
                };
                let rest = u128::from(self.amount - ((self.amount >> shift) << shift));
                let tenths = u64::try_from((rest * 10) >> shift).unwrap_or(0);
                write_decimal(f, self.amount >> shift, tenths * 10)?;
                write!(f, " {unit}")
            }
        }
    }
}

/// `1`, `1.5` or `1.25`.
fn write_decimal(f: &mut fmt::Formatter<'_>, whole: u64, hundredths: u64) -> fmt::Result {
    write!(f, "{whole}")?;
    match (hundredths / 10, hundredths % 10) {
        (0, 0) => Ok(()),
        (tenths, 0) => write!(f, ".{tenths}"),
        (tenths, last) => write!(f, ".{tenths}{last}"),
    }
}

/// The room that a host has for attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// The most that one attempt can get, were the host empty.
    pub largest: Share,
    /// What its attempts can get together, with the containers of others.
    pub offered: Share,
    /// What attempts have been given.
    pub given: Share,
    /// What the containers of others have been given.
    pub foreign: Share,
}

impl Room {
    /// Of a host of which nothing is known yet: endless.
    pub const UNKNOWN: Self = Self {
        largest: Share::ENDLESS,
        offered: Share::ENDLESS,
        given: Share::NOTHING,
        foreign: Share::NOTHING,
    };

    /// The room of a host with nothing on it, by its record and its last probe.
    ///
    /// What the record says of CPU or memory goes before the probe. Otherwise memory is given once,
    /// and CPU [`CPU_OVERCOMMIT`] times.
    pub fn of(host: &Host, facts: Option<&HostFacts>) -> Self {
        let found = facts.map_or(Share::ENDLESS, |facts| Share {
            cpu_nanos: u64::from(facts.cpus).saturating_mul(Cpus::ONE.nanos()),
            memory_bytes: facts.memory_bytes,
        });
        let own_cpu = host.cpus.map(Cpus::nanos);
        let own_memory = host.memory.map(ByteSize::bytes);
        let memory_bytes = own_memory.unwrap_or(found.memory_bytes);
        Self {
            // No engine gives a container more CPUs than there are.
            largest: Share {
                cpu_nanos: own_cpu.map_or(found.cpu_nanos, |own| own.min(found.cpu_nanos)),
                memory_bytes,
            },
            offered: Share {
                cpu_nanos: own_cpu.unwrap_or(found.cpu_nanos.saturating_mul(CPU_OVERCOMMIT)),
                memory_bytes,
            },
            given: Share::NOTHING,
            foreign: Share::NOTHING,
        }
    }

    /// The same room with so much more given to attempts.
    #[must_use]
    pub fn giving(self, share: Share) -> Self {
        Self {
            given: self.given.plus(share),
            ..self
        }
    }

    /// The most that attempts can be given together.
    pub fn for_attempts(self) -> Share {
        self.offered.minus(self.foreign)
    }

    /// What is still to be had.
    pub fn free(self) -> Share {
        self.for_attempts().minus(self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_said_in_their_largest_unit_without_needless_digits() {
        let memory = [0, 1536, 64 << 30, (3 << 30) / 2, 512 << 20];
        let said = memory.map(|bytes| Resource::Memory.amount(bytes).to_string());
        assert_eq!(said, ["0 B", "1.5 KiB", "64 GiB", "1.5 GiB", "512 MiB"]);
        let cpus = [0, 1_000_000_000, 1_500_000_000, 250_000_000, 8_000_000_000];
        let said = cpus.map(|nanos| Resource::Cpu.amount(nanos).to_string());
        assert_eq!(said, ["0 CPUs", "1 CPU", "1.5 CPUs", "0.25 CPUs", "8 CPUs"]);
    }
}
