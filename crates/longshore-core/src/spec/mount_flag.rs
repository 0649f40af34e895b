//! The long form of a mount, as `docker run --mount` takes it: `type=bind,source=/a,target=/b`.

use std::fmt;
use std::str::FromStr;

use super::mount::{MountKind, MountSpec, MountTable};
use super::text::InvalidValue;
use super::tmpfs::TmpfsSpec;

const WHAT: &str = "mount";
const HINT: &str = "use type=volume|bind|tmpfs,source=NAME-OR-PATH,target=/path[,readonly]";

/// What one `--mount` flag asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountFlag {
    /// A volume or a folder of the host.
    Mount(MountSpec),
    /// A file system in memory.
    Tmpfs(TmpfsSpec),
}

/// Fields of the flag as they are found.
#[derive(Default)]
struct Fields<'a> {
    kind: Option<&'a str>,
    source: Option<&'a str>,
    target: Option<&'a str>,
    read_only: bool,
    tmpfs_options: Vec<String>,
}

/// Whether a mount is written in the long form; no short form begins so.
pub(super) fn looks_like(text: &str) -> bool {
    [
        "type=",
        "source=",
        "src=",
        "target=",
        "destination=",
        "dst=",
    ]
    .iter()
    .any(|key| text.starts_with(key))
}

/// Writes a mount in the long form.
pub(super) fn write_mount(mount: &MountSpec, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let kind = match mount.kind() {
        MountKind::Volume => "volume",
        MountKind::Bind => "bind",
    };
    write!(formatter, "type={kind}")?;
    if let Some(source) = mount.source() {
        write!(formatter, ",source={source}")?;
    }
    write!(formatter, ",target={}", mount.target())?;
    formatter.write_str(if mount.read_only() { ",readonly" } else { "" })
}

impl FromStr for MountFlag {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut fields = Fields::default();
        for field in text.split(',') {
            fields
                .read(field)
                .ok_or_else(|| InvalidValue::new(WHAT, field, HINT))?;
        }
        let target = fields
            .target
            .ok_or_else(|| InvalidValue::new(WHAT, text, HINT))?
            .to_owned();
        let kind = match fields.kind {
            Some("bind") => MountKind::Bind,
            Some("volume") | None => MountKind::Volume,
            Some("tmpfs") => return fields.into_tmpfs(text, &target),
            Some(other) => return Err(InvalidValue::new(WHAT, other, HINT)),
        };
        if !fields.tmpfs_options.is_empty() {
            return Err(InvalidValue::new(
                WHAT,
                text,
                "tmpfs options need type=tmpfs",
            ));
        }
        let source = fields.source.map(str::to_owned);
        let table = MountTable {
            kind,
            source,
            target,
            read_only: fields.read_only,
        };
        table.try_into().map(Self::Mount)
    }
}

impl<'a> Fields<'a> {
    fn read(&mut self, field: &'a str) -> Option<()> {
        let (key, value) = field.split_once('=').unwrap_or((field, "true"));
        match key {
            "type" => self.kind = Some(value),
            "source" | "src" => self.source = Some(value),
            "target" | "destination" | "dst" => self.target = Some(value),
            "readonly" | "ro" => self.read_only = parse_switch(value)?,
            "tmpfs-size" => self.tmpfs_options.push(format!("size={value}")),
            "tmpfs-mode" => self.tmpfs_options.push(format!("mode={value}")),
            _ => return None,
        }
        Some(())
    }

    fn into_tmpfs(mut self, text: &str, target: &str) -> Result<MountFlag, InvalidValue> {
        if self.source.is_some() {
            return Err(InvalidValue::new(
                WHAT,
                text,
                "a tmpfs has no source; leave it out",
            ));
        }
        if self.read_only {
            self.tmpfs_options.push("ro".to_owned());
        }
        let separator = if self.tmpfs_options.is_empty() {
            ""
        } else {
            ":"
        };
        let short = format!("{target}{separator}{}", self.tmpfs_options.join(","));
        short.parse().map(MountFlag::Tmpfs)
    }
}

fn parse_switch(value: &str) -> Option<bool> {
    match value {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}
