//! The program of a container: where it is, and what is said when it cannot be executed.

use std::ffi::{CString, NulError};

use nix::errno::Errno;
use nix::unistd::execve;

use crate::Refused;

/// A program with its arguments and environment, as the kernel takes them.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    argv: Vec<CString>,
    environment: Vec<CString>,
    /// Where it may be, in order.
    candidates: Vec<CString>,
    /// As it was named.
    name: String,
}

impl Program {
    /// From arguments and `NAME=VALUE`s; a name without `/` is looked for along the `PATH` of these.
    ///
    /// # Errors
    /// A text has a byte of zero in it.
    pub(crate) fn new(argv: &[String], environment: &[String]) -> Result<Self, NulError> {
        let texts = |texts: &[String]| {
            let texts = texts.iter().map(|text| CString::new(text.as_str()));
            texts.collect::<Result<Vec<_>, _>>()
        };
        let name = argv.first().cloned().unwrap_or_default();
        Ok(Self {
            argv: texts(argv)?,
            environment: texts(environment)?,
            candidates: texts(&candidates(&name, environment))?,
            name,
        })
    }

    /// Executes it. Returns only if that does not work.
    pub(super) fn execute(&self) -> Refused {
        let mut worst = Errno::ENOENT;
        for candidate in &self.candidates {
            let Err(why) = execve(candidate, &self.argv, &self.environment);
            // As a shell looks along a path: what cannot be executed here may be there.
            let is_elsewhere = matches!(why, Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES);
            if !is_elsewhere || self.name.contains('/') {
                worst = why;
                break;
            }
        }
        self.refusal(worst)
    }

    fn refusal(&self, why: Errno) -> Refused {
        let is_missing = matches!(why, Errno::ENOENT | Errno::ENOTDIR);
        let said = if why == Errno::ENOENT && self.name.contains('/') {
            "no such file in the container, or its interpreter is missing"
        } else if why == Errno::ENOENT {
            "executable file not found in the container's PATH"
        } else if why == Errno::ENOEXEC {
            "not a program for this machine, nor a script that names its interpreter"
        } else {
            why.desc()
        };
        Refused {
            code: if is_missing { 127 } else { 126 },
            message: format!("cannot execute {:?}: {said}", self.name),
        }
    }
}

fn candidates(name: &str, environment: &[String]) -> Vec<String> {
    if name.contains('/') {
        return vec![name.to_owned()];
    }
    if name.is_empty() {
        return Vec::new();
    }
    let path = environment
        .iter()
        .rev()
        .find_map(|entry| entry.strip_prefix("PATH="));
    let folders = path.unwrap_or_default().split(':');
    let within = |folder: &str| match folder {
        "" => format!("./{name}"),
        folder => format!("{folder}/{name}"),
    };
    folders.map(within).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str, path: &str) -> Program {
        let environment = [format!("PATH={path}")];
        Program::new(&[name.to_owned()], &environment).unwrap()
    }

    fn refusal(name: &str, path: &str) -> (u8, String) {
        let refused = program(name, path).execute();
        (refused.code, refused.message)
    }

    #[test]
    fn the_last_path_is_looked_along() {
        let environment = ["PATH=/a", "X=PATH=/b", "PATH=/c::/d"].map(str::to_owned);
        assert_eq!(candidates("x", &environment), ["/c/x", "./x", "/d/x"]);
        assert_eq!(candidates("./x", &environment), ["./x"]);
    }

    #[test]
    fn what_is_not_there_is_127() {
        for (name, path) in [
            ("/none", "/"),
            ("none", "/bin:/none"),
            ("", "/bin"),
            ("x", "/etc/passwd"),
        ] {
            assert_eq!(refusal(name, path).0, 127, "{name} in {path}");
        }
        assert!(
            refusal("none", "/bin")
                .1
                .contains("in the container's PATH")
        );
    }

    #[test]
    fn what_cannot_be_executed_is_126() {
        for name in ["/etc/passwd", "/etc"] {
            assert_eq!(refusal(name, "/").0, 126, "{name}");
        }
    }

    #[test]
    fn a_file_that_may_not_be_executed_is_passed_by_on_the_path() {
        assert_eq!(refusal("passwd", "/etc").0, 127);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("odd"), "no program").unwrap();
        let rights = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path().join("odd"), rights).unwrap();
        let path = format!("/etc:{}", folder.path().display());
        assert_eq!(refusal("odd", &path).0, 126);
    }

    #[test]
    fn no_text_has_a_zero_in_it() {
        assert!(Program::new(&["a\0b".to_owned()], &[]).is_err());
    }
}
