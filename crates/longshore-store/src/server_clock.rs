//! The clock that all who share a server share, too.

use longshore_core::Timestamp;

use crate::columns::Cells;
use crate::error::StoreError;
use crate::statement::query;
use crate::store::Store;

const NOW: &str = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT AS micros";

impl Store {
    /// What the clock of the database server shows; `None` for a store in a folder, whose users share
    /// the clock of its machine.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn server_time(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut db = self.readers().acquire().await?;
        if !db.is_served() {
            return Ok(None);
        }
        let row = query(NOW).fetch_one(&mut db).await?;
        let micros = Cells::new("server clock", &row).get("micros")?;
        Ok(Timestamp::from_microsecond(micros).ok())
    }
}
