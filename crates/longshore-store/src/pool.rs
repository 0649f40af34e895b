//! What holds for the whole pool: its policy, its environment templates.

use longshore_core::Timestamp;
use longshore_core::policy::Policy;

use crate::columns::json;
use crate::error::StoreError;
use crate::rows::templates::Template;
use crate::rows::{settings, templates};
use crate::store::Store;

impl Store {
    /// The policy; the default one before any was set.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn policy(&self) -> Result<Policy, StoreError> {
        let text = settings::get(&mut self.readers().acquire().await?, settings::POLICY).await?;
        let Some(text) = text else {
            return Ok(Policy::default());
        };
        serde_json::from_str(&text).map_err(|error| StoreError::Unreadable {
            table: "settings",
            id: settings::POLICY.into(),
            reason: error.to_string(),
        })
    }

    /// Sets the policy; it holds for jobs that are submitted from now on.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn set_policy(&self, policy: &Policy) -> Result<(), StoreError> {
        let text = json(policy);
        self.write(move |db| {
            Box::pin(async move { settings::set(db, settings::POLICY, &text).await })
        })
        .await
    }

    /// Saves an environment template, in the place of one of the same name.
    ///
    /// # Errors
    /// The store is busy, full or damaged.
    pub async fn save_template(
        &self,
        name: &str,
        text: &str,
        description: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let template = Template {
            name: name.to_owned(),
            text: text.to_owned(),
            description: description.map(str::to_owned),
            updated_at: now,
        };
        self.write(move |db| Box::pin(async move { templates::save(db, &template).await }))
            .await
    }

    /// All environment templates, by name.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn templates(&self) -> Result<Vec<Template>, StoreError> {
        templates::list(&mut self.readers().acquire().await?).await
    }

    /// The environment template of this name.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub async fn template(&self, name: &str) -> Result<Template, StoreError> {
        let template = templates::get(&mut self.readers().acquire().await?, name).await?;
        template.ok_or_else(|| StoreError::not_found("environment template", name))
    }

    /// Removes an environment template; jobs that were submitted with it keep their environment.
    ///
    /// # Errors
    /// There is none, or the store is busy, full or damaged.
    pub async fn remove_template(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |db| {
            Box::pin(async move {
                if templates::delete(db, &name).await? {
                    return Ok(());
                }
                Err(StoreError::not_found("environment template", name))
            })
        })
        .await
    }
}
