//! Opening a store: whichever database it has, with a writer, readers, and news of changes.

use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use crate::bell::Bell;
use crate::changes::Counter;
use crate::database::Readers;
use crate::error::StoreError;
use crate::listening::Listening;
use crate::location::DatabaseUrl;
use crate::postgres::{self, Patience};
use crate::signal::{Channel, Signal, Versions};
use crate::sqlite;
use crate::transactions::Transactions;

/// An open database, its schema up to date.
pub(crate) struct Opened {
    pub(crate) transactions: Transactions,
    pub(crate) readers: Readers,
    pub(crate) signal: Arc<Signal>,
}

/// Opens the database in a folder, which is made if it is missing.
pub(crate) async fn folder(folder: &Path) -> Result<Opened, StoreError> {
    let opened = sqlite::open(folder).await?;
    let counter = Counter::new();
    let bell = Bell::hear(&folder.join(sqlite::BELL), opened.bell, &counter);
    let versions = Versions::Sqlite(opened.watcher);
    Ok(Opened {
        transactions: Transactions::new(opened.writer.into(), None, String::new()),
        readers: Readers::Sqlite(opened.readers.into()),
        signal: Signal::new(counter, Channel::Bell(bell), versions),
    })
}

/// Opens a database on a server, which is there.
pub(crate) async fn server(database: &DatabaseUrl) -> Result<Opened, StoreError> {
    let options = database.options();
    let mut writer = postgres::writer(options, Patience::None).await?;
    postgres::migrate(&mut writer).await?;
    let mark = Uuid::new_v4().simple().to_string();
    let counter = Counter::new();
    let news = postgres::news(options);
    let listening = Listening::start(news.clone(), mark.clone(), counter.clone());
    let versions = Versions::Postgres(news);
    Ok(Opened {
        transactions: Transactions::new(writer.into(), Some(options.clone()), mark),
        readers: Readers::Postgres(postgres::readers(options)),
        signal: Signal::new(counter, Channel::Server(listening), versions),
    })
}
