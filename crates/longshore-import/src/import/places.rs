//! Hosts and environment templates: what is here already stays as it is.

use longshore_core::host::Host;
use longshore_store::Template;

use super::{Doing, Import, Known};
use crate::error::ImportError;
use crate::old::{OldHost, OldTemplate, Read};
use crate::remarks::{Remarks, is_name};
use crate::{environment, hosts};

impl Import<'_> {
    pub(super) async fn take_hosts(&mut self, rows: Vec<Read<OldHost>>) -> Result<(), ImportError> {
        let ours = self.store.hosts().await?;
        for row in rows {
            match row {
                Ok(old) => self.take_host(old, &ours).await?,
                Err(bad) => {
                    self.report.hosts.refuse(&bad.id, &bad.why);
                    let why = format!("its host was not taken: {}", bad.why);
                    self.hosts.insert(bad.id, Err(why));
                }
            }
        }
        Ok(())
    }

    async fn take_host(&mut self, old: OldHost, ours: &[Host]) -> Result<(), ImportError> {
        let (host, remarks) = match hosts::translate(&old, self.options.now) {
            Ok(translated) => translated,
            Err(why) => {
                self.report.hosts.refuse(&old.name, &why);
                let why = format!("its host `{}` was not taken: {why}", old.name);
                self.hosts.insert(old.id, Err(why));
                return Ok(());
            }
        };
        let namesake = ours.iter().find(|other| other.name == host.name);
        let known = Known {
            id: namesake.map_or(host.id, |other| other.id),
            name: host.name.clone(),
        };
        if let Some(other) = namesake {
            self.report
                .hosts
                .know(&host.name, differences(other, &host));
        } else {
            if self.options.doing == Doing::Apply {
                self.store.add_host(&host).await?;
            }
            self.report.hosts.take(&host.name, remarks);
        }
        self.hosts.insert(old.id, Ok(known));
        Ok(())
    }

    pub(super) async fn take_templates(
        &mut self,
        templates: Vec<OldTemplate>,
    ) -> Result<(), ImportError> {
        let ours = self.store.templates().await?;
        for old in templates {
            self.take_template(old, &ours).await?;
        }
        Ok(())
    }

    async fn take_template(
        &mut self,
        old: OldTemplate,
        ours: &[Template],
    ) -> Result<(), ImportError> {
        let mut remarks = Remarks::default();
        let text = environment::readable(&old.text, "a variable", &mut remarks);
        // Its jobs have had these variables, whatever becomes of the template here.
        self.templates.insert(old.id, environment::variables(&text));
        let part = &mut self.report.templates;
        if !is_name(&old.name) {
            part.refuse(old.name, "its name is not 1 to 100 printable characters");
            return Ok(());
        }
        if let Some(known) = ours.iter().find(|known| known.name == old.name) {
            let mut remarks = Remarks::default();
            if known.text != text {
                remarks.add("it is here with another text, which stays");
            }
            part.know(&old.name, remarks);
            return Ok(());
        }
        if self.options.doing == Doing::Apply {
            let description = old.description.as_deref();
            self.store
                .save_template(&old.name, &text, description, self.options.now)
                .await?;
        }
        part.take(&old.name, remarks);
        Ok(())
    }
}

fn differences(here: &Host, there: &Host) -> Remarks {
    let mut remarks = Remarks::default();
    if here.endpoint != there.endpoint {
        let (here, there) = (&here.endpoint.address, &there.endpoint.address);
        remarks.add(format!(
            "it is here with address {here}, which stays; there it has {there}"
        ));
    }
    remarks
}
