//! The pool's PostgreSQL: a server of its own, and a proxy between it and the workers.

use longshore_testkit::{CutProxy, Postgres};

use super::trouble::DatabaseTrouble;

pub(super) struct Database {
    server: Postgres,
    proxy: CutProxy,
    url: String,
}

impl Database {
    pub(super) fn start() -> Self {
        let server = Postgres::start().expect("a database server starts");
        let proxy = CutProxy::start(server.port()).expect("a proxy starts");
        let url = server.create_database().expect("a server takes a database");
        Self { server, proxy, url }
    }

    /// As whoever watches the storm reaches it.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// As workers reach it.
    pub(super) fn url_of_workers(&self) -> String {
        let (server, proxy) = (self.server.port(), self.proxy.port());
        self.url
            .replace(&format!(":{server}/"), &format!(":{proxy}/"))
    }

    pub(super) fn befall(&mut self, trouble: DatabaseTrouble) {
        match trouble {
            DatabaseTrouble::Cut => self.proxy.cut(),
            DatabaseTrouble::CutOff { .. } => self.proxy.cut_off(),
            DatabaseTrouble::LoseCommit => self.proxy.lose_answer_to("COMMIT"),
            DatabaseTrouble::Restart => {
                self.server.strike_down();
                self.server.resume().expect("a server starts again");
            }
        }
    }

    pub(super) fn heal(&self) {
        self.proxy.heal();
    }
}
