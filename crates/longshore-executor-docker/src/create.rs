//! Creating a container, or adopting the one that an earlier call made.

use std::time::Duration;

use bollard::models::{ContainerCreateResponse, NetworkConnectRequest};
use longshore_core::fault::Fault;
use longshore_core::launch::{LABEL_POOL, Launch};
use longshore_core::spec::{NetworkAttachment, Platform};
use longshore_executor::ExecutorError;
use tokio::time::{Instant, sleep};
use url::form_urlencoded::Serializer;

use crate::body;
use crate::client::{Call, Client};
use crate::failure::Failure;
use crate::faults;
use crate::observe::{self, Container};

/// A name is taken before its container can be seen: at most 56 ms on Docker 20.10 and 26.1.
const APPEARS_WITHIN: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A container that is there now.
pub(crate) struct Created {
    /// Its id.
    pub(crate) id: String,
    /// Whether this call made it.
    pub(crate) is_new: bool,
}

/// Creates the container of `launch`.
///
/// Guarantees: a create whose reply is lost is found by its name; a name that is taken is adopted
/// only with the labels of this pool and attempt.
pub(crate) async fn create(client: &Client, launch: &Launch) -> Result<Created, ExecutorError> {
    let created = match ask(client, launch).await {
        Ok(id) => Created { id, is_new: true },
        Err(failure) if failure.status() == Some(409) || failure.is_ambiguous() => Created {
            id: adopt(client, launch, failure).await?,
            is_new: false,
        },
        Err(failure) => return Err(failure.as_fault(faults::of_create(&failure))),
    };
    for network in launch.spec.networks.iter().skip(1) {
        join(client, &created.id, network).await?;
    }
    Ok(created)
}

async fn ask(client: &Client, launch: &Launch) -> Result<String, Failure> {
    let name = launch.container_name();
    let path = create_path(&name, launch.spec.platform.as_ref());
    let tried = format!("create container {name} from {}", launch.image);
    let call = Call::post(path, client.deadlines().launch, tried);
    let created: ContainerCreateResponse = client
        .json(call.with_json(&body::create_body(launch)))
        .await?;
    Ok(created.id)
}

fn create_path(name: &str, platform: Option<&Platform>) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("name", name);
    if let Some(platform) = platform {
        query.append_pair("platform", &platform.to_string());
    }
    format!("/containers/create?{}", query.finish())
}

/// Looks for the container that holds the name, for a while.
async fn adopt(
    client: &Client,
    launch: &Launch,
    failure: Failure,
) -> Result<String, ExecutorError> {
    let name = launch.container_name();
    let until = Instant::now() + APPEARS_WITHIN;
    loop {
        if let Some(found) = observe::inspect(client, &name).await? {
            return if_ours(client, launch, found);
        }
        if Instant::now() >= until {
            return Err(failure.as_fault(faults::of_create(&failure)));
        }
        sleep(LOOK_AGAIN).await;
    }
}

fn if_ours(client: &Client, launch: &Launch, found: Container) -> Result<String, ExecutorError> {
    let is_ours = found.label(LABEL_POOL) == Some(&launch.pool.to_string())
        && found.is_of_attempt(launch.attempt);
    if is_ours {
        return Ok(found.id);
    }
    let text = format!(
        "cannot create container {}: at {} the name is held by container {}, which is not of this \
         attempt",
        launch.container_name(),
        client.place(),
        found.id
    );
    Err(ExecutorError::new(Fault::Conflict, text))
}

/// Idempotent: being in the network already is as good.
async fn join(client: &Client, id: &str, network: &NetworkAttachment) -> Result<(), ExecutorError> {
    let request = NetworkConnectRequest {
        container: id.to_owned(),
        endpoint_config: Some(body::endpoint(network)),
    };
    let name = network.name();
    let tried = format!("join container {id} to network {name}");
    let call = Call::post(
        format!("/networks/{name}/connect"),
        client.deadlines().control,
        tried,
    );
    match client.status(call.with_json(&request)).await {
        Ok(_) => Ok(()),
        Err(failure) if faults::is_joined_already(&failure) => Ok(()),
        Err(failure) => Err(failure.as_fault(faults::of_network(&failure))),
    }
}
