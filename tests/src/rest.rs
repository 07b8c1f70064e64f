//! A small REST client: JSON in, status and JSON out.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
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

/// What came back, as it came.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, in their order; names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
    /// The body as it came.
    pub bytes: Bytes,
}

impl Reply {
    /// The value of a header; the first, if there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl Rest {
    /// For an address such as `127.0.0.1:8080`. Nothing is sent yet.
    pub fn new(address: &str) -> Self {
        // A connection for each call: one that is kept may be closed by a server at the moment it is used again.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Self { base: format!("http://{address}"), client }
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
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if let Some(token) = bearer {
            headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        let bytes = body.map(|json| json.to_string()).unwrap_or_default();
        let reply = self.exchange(method, path, &headers, bytes.into_bytes()).await?;
        Ok(Answer {
            status: reply.status,
            content_type: reply.header("content-type").unwrap_or_default().to_owned(),
            retry_after: reply.header("retry-after").and_then(|seconds| seconds.parse().ok()),
            json: serde_json::from_str(&reply.body).unwrap_or(Value::Null),
        })
    }

    /// Sends any request at all.
    ///
    /// # Errors
    /// A sentence, when no whole answer came within 30 s, or the request cannot even be written.
    pub async fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Result<Reply, String> {
        let mut request = hyper::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::from(body)).map_err(|error| error.to_string())?;
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| error.to_string())?;
            let (head, body) = response.into_parts();
            let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            let headers = head.headers.iter();
            Ok(Reply {
                status: head.status.as_u16(),
                headers: headers.map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
                body: text(&bytes),
                bytes,
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
