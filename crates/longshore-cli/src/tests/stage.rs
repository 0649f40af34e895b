//! Whole command lines on a store and in an environment of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::Parser;
use longshore_core::job::Job;
use longshore_executor::mock::MockExecutor;
use longshore_store::Store;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::play::Play;
use crate::args::{Cli, Command, Global};
use crate::backstage::Backstage;
use crate::console::recorded;
use crate::session::Session;
use crate::surroundings::Surroundings;
use crate::{commands, exit_code, manner, tell};

/// What a command line gave.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A store of its own, an environment of its own, and a play behind it.
pub(crate) struct Stage {
    folder: TempDir,
    pub(crate) variables: BTreeMap<String, String>,
    play: Arc<Play>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Self {
            folder,
            variables: BTreeMap::new(),
            play: Arc::default(),
        }
    }

    /// Presses Ctrl-C so many times once the job runs.
    pub(crate) fn press_ctrl_c(&self, times: usize) {
        *self.play.presses.lock().unwrap() = times;
    }

    /// The host of the jobs that their caller drives.
    pub(crate) fn mock(&self) -> &MockExecutor {
        &self.play.mock
    }

    /// From now on the environment names another engine.
    pub(crate) fn move_to_engine(&self, name: &str) {
        name.clone_into(&mut self.play.engine.lock().unwrap());
    }

    /// Writes a file beside which the commands are typed.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// The store, as the commands see it.
    pub(crate) async fn store(&self) -> Store {
        Store::open(&self.folder.path().join("store"))
            .await
            .unwrap()
    }

    /// The newest job.
    pub(crate) async fn newest(&self) -> Job {
        let store = self.store().await;
        store.job(store.resolve("-").await.unwrap()).await.unwrap()
    }

    /// Types a command line, without the program's name.
    pub(crate) async fn type_in(&self, words: &[&str]) -> Played {
        let line = ["longshore"].iter().chain(words);
        let cli = Cli::try_parse_from(line).unwrap();
        let (console, out, err) = recorded::console();
        let session = Session {
            console: Arc::new(console),
            backstage: Arc::clone(&self.play) as Arc<dyn Backstage>,
            around: Surroundings {
                variables: self.variables.clone(),
                folder: self.folder.path().to_owned(),
            },
            global: Global {
                store: Some(self.folder.path().join("store")),
                ..cli.global
            },
            listen: self.play.listen(),
            store: OnceCell::new(),
        };
        let code = self.carry_out(&session, cli.command).await;
        Played {
            code,
            out: out.text(),
            err: err.text(),
        }
    }

    async fn carry_out(&self, session: &Session, command: Command) -> u8 {
        let manner = manner(&command);
        match commands::run(session, command).await {
            Ok(code) => code,
            Err(failure) => {
                tell(session, &failure);
                exit_code::of_failure(&failure, manner)
            }
        }
    }
}
