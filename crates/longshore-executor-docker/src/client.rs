//! One HTTP client for one engine: every call with its deadline, its API version and its error.
//!
//! bollard gives the types of what is said; its own client is not used. That one sends paths
//! without a version, prints request bodies (environment values among them) to the debug log,
//! counts deadlines in whole seconds until the headers only, and cannot read states that it does
//! not know.

use std::error::Error;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use longshore_core::host::Endpoint;
use longshore_core::with_causes;
use longshore_executor::ExecutorError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use crate::connection::{Dialer, Route};
use crate::failure::{Cause, Failure};
use crate::options::{Deadlines, DockerOptions};
use crate::version::ApiVersion;

/// The longest answer that is read as a whole.
const ANSWER_MAX: usize = 64 * 1024 * 1024;
/// Idle lines are worth keeping only where a new one is dear.
const SSH_IDLE_LINES: usize = 4;
const SSH_IDLE: Duration = Duration::from_secs(30);

/// What is asked of the engine.
pub(crate) struct Call {
    /// In words, to follow "cannot": `create container x`.
    tried: String,
    method: Method,
    /// Path and query, without the version.
    path: String,
    body: Bytes,
    deadline: Duration,
    registry_auth: Option<HeaderValue>,
}

impl Call {
    /// Reads something.
    pub(crate) fn get(
        path: impl Into<String>,
        deadline: Duration,
        tried: impl Into<String>,
    ) -> Self {
        Self::new(Method::GET, path.into(), deadline, tried.into())
    }

    /// Does something.
    pub(crate) fn post(
        path: impl Into<String>,
        deadline: Duration,
        tried: impl Into<String>,
    ) -> Self {
        Self::new(Method::POST, path.into(), deadline, tried.into())
    }

    /// Removes something.
    pub(crate) fn delete(
        path: impl Into<String>,
        deadline: Duration,
        tried: impl Into<String>,
    ) -> Self {
        Self::new(Method::DELETE, path.into(), deadline, tried.into())
    }

    fn new(method: Method, path: String, deadline: Duration, tried: String) -> Self {
        Self {
            tried,
            method,
            path,
            body: Bytes::new(),
            deadline,
            registry_auth: None,
        }
    }

    /// With this as the body.
    pub(crate) fn with_json(mut self, body: &impl Serialize) -> Self {
        let text = serde_json::to_vec(body).expect("what we send has only strings as keys");
        self.body = text.into();
        self
    }

    /// With credentials for a registry, encoded already.
    pub(crate) fn with_registry_auth(mut self, auth: Option<HeaderValue>) -> Self {
        self.registry_auth = auth;
        self
    }
}

/// Speaks to one engine.
pub(crate) struct Client {
    http: HttpClient<Dialer, Full<Bytes>>,
    authority: String,
    place: String,
    deadlines: Deadlines,
    version: Mutex<Option<ApiVersion>>,
}

impl Client {
    /// A client for `endpoint`; nothing is sent yet.
    pub(crate) fn new(endpoint: &Endpoint, options: &DockerOptions) -> Result<Self, ExecutorError> {
        let route = Route::parse(&endpoint.address, endpoint.tls.is_some())?;
        let dialer = Dialer::new(&route, endpoint, options)?;
        let idle_lines = match route {
            Route::Ssh(_) => SSH_IDLE_LINES,
            Route::Unix(_) | Route::Tcp { .. } => 0,
        };
        let http = HttpClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(SSH_IDLE)
            .pool_max_idle_per_host(idle_lines)
            .build(dialer);
        Ok(Self {
            http,
            authority: route.authority(),
            place: endpoint.address.clone(),
            deadlines: options.deadlines,
            version: Mutex::new(None),
        })
    }

    /// How long calls may take.
    pub(crate) fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }

    /// The address, for messages.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Calls, and reads the answer as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T, Failure> {
        let (_, body) = self.whole(&call).await?;
        serde_json::from_slice(&body)
            .map_err(|why| self.failure(&call, Cause::Garbled(why.to_string())))
    }

    /// Calls, and reads the status alone.
    pub(crate) async fn status(&self, call: Call) -> Result<StatusCode, Failure> {
        Ok(self.whole(&call).await?.0)
    }

    /// Calls, and hands out the body while it comes. The deadline is that of the first byte.
    pub(crate) async fn stream(&self, call: Call) -> Result<Incoming, Failure> {
        let until = Instant::now() + call.deadline;
        let response = self.accepted(&call, until).await?;
        Ok(response.into_body())
    }

    /// A failure of something other than a call, in the same words.
    pub(crate) fn broken(&self, tried: &str, why: impl Into<String>) -> Failure {
        Failure {
            tried: tried.to_owned(),
            place: self.place.clone(),
            cause: Cause::Broken(why.into()),
        }
    }

    /// The version that both sides speak, agreed upon at the first call.
    pub(crate) async fn version(&self) -> Result<ApiVersion, Failure> {
        let call = Call::get("", self.deadlines.probe, "ask for the API version");
        self.agreed_version(&call, Instant::now() + call.deadline)
            .await
    }

    async fn whole(&self, call: &Call) -> Result<(StatusCode, Bytes), Failure> {
        let until = Instant::now() + call.deadline;
        let response = self.accepted(call, until).await?;
        let status = response.status();
        Ok((status, self.body(call, response, until).await?))
    }

    /// Sends, and turns a refusal into a failure.
    async fn accepted(&self, call: &Call, until: Instant) -> Result<Response<Incoming>, Failure> {
        let version = self.agreed_version(call, until).await?;
        let response = self
            .send(call, &format!("/v{version}{}", call.path), until)
            .await?;
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let body = self.body(call, response, until).await?;
        let message = message_of(&body);
        if ApiVersion::is_refused_by(&message) {
            // The engine was replaced by one of another age: agree anew at the next call.
            *self.version.lock().expect("no holder panics") = None;
        }
        Err(self.failure(
            call,
            Cause::Refused {
                status: status.as_u16(),
                message,
            },
        ))
    }

    async fn agreed_version(&self, call: &Call, until: Instant) -> Result<ApiVersion, Failure> {
        if let Some(version) = *self.version.lock().expect("no holder panics") {
            return Ok(version);
        }
        let ping = Call::get("/_ping", call.deadline, call.tried.clone());
        let response = self.send(&ping, "/_ping", until).await;
        let response = response.map_err(Failure::of_first_words)?;
        let header = response
            .headers()
            .get("Api-Version")
            .and_then(|value| value.to_str().ok());
        let cause = |text: String| self.failure(call, Cause::NoEngine(text));
        let offered = header.ok_or_else(|| {
            cause(format!(
                "it answered {} to a ping without an API version",
                response.status()
            ))
        })?;
        let version = ApiVersion::agree(offered).map_err(cause)?;
        *self.version.lock().expect("no holder panics") = Some(version);
        Ok(version)
    }

    async fn send(
        &self,
        call: &Call,
        path: &str,
        until: Instant,
    ) -> Result<Response<Incoming>, Failure> {
        let request = self.request(call, path)?;
        let answer = timeout_at(until, self.http.request(request)).await;
        let answer = answer.map_err(|_| self.failure(call, Cause::TimedOut(call.deadline)))?;
        answer.map_err(|why| {
            let cause = if why.is_connect() {
                Cause::Unreachable
            } else if is_no_http(&why) {
                Cause::Garbled
            } else {
                Cause::Broken
            };
            self.failure(call, cause(with_causes(&why)))
        })
    }

    fn request(&self, call: &Call, path: &str) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(format!("http://{}{path}", self.authority))
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, "application/json");
        if let Some(auth) = &call.registry_auth {
            request = request.header("X-Registry-Auth", auth);
        }
        request
            .body(Full::new(call.body.clone()))
            .map_err(|why| self.failure(call, Cause::Garbled(why.to_string())))
    }

    async fn body(
        &self,
        call: &Call,
        response: Response<Incoming>,
        until: Instant,
    ) -> Result<Bytes, Failure> {
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect();
        match timeout_at(until, body).await {
            Err(_) => Err(self.failure(call, Cause::TimedOut(call.deadline))),
            Ok(Err(why)) => Err(self.failure(call, Cause::Broken(with_causes(why.as_ref())))),
            Ok(Ok(body)) => Ok(body.to_bytes()),
        }
    }

    fn failure(&self, call: &Call, cause: Cause) -> Failure {
        Failure {
            tried: call.tried.clone(),
            place: self.place.clone(),
            cause,
        }
    }
}

/// Whether whoever answered does not speak HTTP.
fn is_no_http(why: &(dyn Error + 'static)) -> bool {
    let mut cause = why.source();
    while let Some(error) = cause {
        if error.downcast_ref().is_some_and(hyper::Error::is_parse) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The engine's own words in a refusal.
fn message_of(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Refusal {
        message: String,
    }
    let text = match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => refusal.message,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    text.trim().to_owned()
}
