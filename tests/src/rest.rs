//! A small REST client: JSON in, status and JSON out.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::time::Duration;

/// Longer than anything of ours may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Speaks to one HTTP address.
pub struct Rest {
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The kind of body.
    pub content_type: String,
    /// Seconds to wait before the next attempt, if the answer says so.
    pub retry_after: Option<u64>,
    /// The body; null where it is no JSON.
    pub json: Value,
}

impl Rest {
    /// For an address such as `127.0.0.1:8080`. Nothing is sent yet.
    pub fn new(address: &str) -> Self {
        Self { base: format!("http://{address}"), client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Sends a request; `bearer` may be a session secret or a passport.
    ///
    /// # Errors
    /// A sentence, when no whole answer came within 30 s.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
        body: Option<Value>,
    ) -> Result<Answer, String> {
        let mut request = hyper::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let bytes = body.map(|json| json.to_string()).unwrap_or_default();
        let request = request.header(CONTENT_TYPE, "application/json").body(Full::from(bytes)).unwrap();
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| error.to_string())?;
            let (head, body) = response.into_parts();
            let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
            let header = |name: HeaderName| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
            Ok(Answer {
                status: head.status.as_u16(),
                content_type: header(CONTENT_TYPE).unwrap_or_default(),
                retry_after: header(RETRY_AFTER).and_then(|seconds| seconds.parse().ok()),
                json: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            })
        };
        let answer = tokio::time::timeout(PATIENCE, exchange).await;
        answer.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")))
    }

    /// A call that must be answered, in whatever way.
    ///
    /// # Panics
    /// When no answer came.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
        body: Option<Value>,
    ) -> (u16, Value) {
        let answer = self.send(method, path, bearer, body).await;
        let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        (answer.status, answer.json)
    }

    /// A call that must succeed.
    ///
    /// # Panics
    /// When the answer is not 200.
    pub async fn ok(&self, method: &str, path: &str, bearer: Option<&str>, body: Option<Value>) -> Value {
        let (status, json) = self.call(method, path, bearer, body).await;
        assert_eq!(status, 200, "{method} {path}: {json}");
        json
    }
}
