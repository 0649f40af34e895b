//! The few programs that the contract runs, and the shell scripts that they are on a real host.

use std::fmt::Write;

/// What a container of the contract does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// Ends at once with this code.
    ExitWith(i32),
    /// Writes these bytes, waits so many seconds, ends with 0.
    Print {
        /// To its standard output.
        stdout: Vec<u8>,
        /// To its standard error, after that.
        stderr: Vec<u8>,
        /// Until its end.
        then_secs: u32,
    },
    /// Ends with 0 after so many seconds, or with 143 as soon as it is asked to stop.
    SleepSecs(u32),
    /// Ignores the wish to stop, prints `ready` and a newline, runs for ten minutes.
    IgnoreTerm,
    /// A program that is not in the image: the start is refused with 127.
    NotThere,
}

impl Program {
    /// Prints this to its standard output and ends.
    pub fn print(stdout: &str) -> Self {
        Self::Print {
            stdout: stdout.into(),
            stderr: Vec::new(),
            then_secs: 0,
        }
    }

    /// The command line for an image with a POSIX shell and `sleep`.
    pub fn argv(&self) -> Vec<String> {
        let script = match self {
            Self::NotThere => return vec!["/no/such/program".into()],
            Self::ExitWith(code) => format!("exit {code}"),
            Self::Print {
                stdout,
                stderr,
                then_secs,
            } => {
                let (stdout, stderr) = (octal(stdout), octal(stderr));
                format!("printf '{stdout}'; printf '{stderr}' >&2; sleep {then_secs}")
            }
            Self::SleepSecs(secs) => {
                format!("trap 'exit 143' TERM; sleep {secs} & wait")
            }
            Self::IgnoreTerm => "trap '' TERM; echo ready; sleep 600".into(),
        };
        vec!["sh".into(), "-c".into(), script]
    }
}

/// Any bytes as a format of `printf`.
fn octal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "\\{byte:03o}").expect("writing to a string cannot fail");
        text
    })
}
