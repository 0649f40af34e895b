//! The table of images that we pulled, as against those that were there.

use longshore_core::{HostId, Timestamp};

use crate::columns::{Cells, time};
use crate::database::{Connection, Row};
use crate::error::StoreError;
use crate::statement::query;

const SAVE: &str = "INSERT INTO pulled_images (host_id, image, digest, pulled_at, used_at) \
    VALUES ($1, $2, $3, $4, $4) ON CONFLICT (host_id, image) DO UPDATE SET \
    digest = excluded.digest, pulled_at = excluded.pulled_at, used_at = excluded.used_at";
const OF_HOST: &str = "SELECT image AS key, digest, pulled_at, used_at FROM pulled_images \
    WHERE host_id = $1 ORDER BY image";
const USE: &str = "UPDATE pulled_images SET used_at = $3 \
    WHERE host_id = $1 AND image = $2 AND used_at < $3";
const DELETE: &str = "DELETE FROM pulled_images WHERE host_id = $1 AND image = $2";

/// An image that we pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulledImage {
    /// Its reference, as it was asked for.
    pub image: String,
    /// Its digest, where the registry gave one.
    pub digest: Option<String>,
    /// When it was last pulled.
    pub pulled_at: Timestamp,
    /// When an attempt last needed it, or it was pulled.
    pub used_at: Timestamp,
}

/// Writes one down, in the place of an earlier pull of the same reference.
pub(crate) async fn save(
    db: &mut Connection,
    host: HostId,
    pulled: &PulledImage,
) -> Result<(), StoreError> {
    query(SAVE)
        .bind(host.to_string())
        .bind(&pulled.image)
        .bind(&pulled.digest)
        .bind(time(pulled.pulled_at))
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that one was needed then; an image that is not ours is left alone.
pub(crate) async fn note_use(
    db: &mut Connection,
    host: HostId,
    image: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(USE)
        .bind(host.to_string())
        .bind(image)
        .bind(time(now))
        .execute(db)
        .await?;
    Ok(())
}

/// Reads all of a host, by reference.
pub(crate) async fn of_host(
    db: &mut Connection,
    host: HostId,
) -> Result<Vec<PulledImage>, StoreError> {
    let rows = query(OF_HOST).bind(host.to_string()).fetch_all(db).await?;
    rows.iter().map(read).collect()
}

/// Forgets one.
pub(crate) async fn delete(
    db: &mut Connection,
    host: HostId,
    image: &str,
) -> Result<(), StoreError> {
    query(DELETE)
        .bind(host.to_string())
        .bind(image)
        .execute(db)
        .await?;
    Ok(())
}

fn read(row: &Row) -> Result<PulledImage, StoreError> {
    let cells = Cells::new("pulled_images", row);
    Ok(PulledImage {
        image: cells.get("key")?,
        digest: cells.get("digest")?,
        pulled_at: cells.time("pulled_at")?,
        used_at: cells.time("used_at")?,
    })
}
