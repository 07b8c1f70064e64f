//! A small REST client: JSON in, status and JSON out.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Speaks to a gateway.
pub(crate) struct Rest {
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Rest {
    pub(crate) fn new(address: &str) -> Self {
        Self { base: format!("http://{address}"), client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Sends a request; `bearer` may be a session secret or a passport.
    pub(crate) async fn call(&self, method: &str, path: &str, bearer: Option<&str>, body: Option<Value>) -> (u16, Value) {
        let mut request = hyper::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let bytes = body.map(|json| json.to_string()).unwrap_or_default();
        let request = request.header("content-type", "application/json").body(Full::from(bytes)).unwrap();
        let response = self.client.request(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// A call that must succeed.
    pub(crate) async fn ok(&self, method: &str, path: &str, bearer: Option<&str>, body: Option<Value>) -> Value {
        let (status, json) = self.call(method, path, bearer, body).await;
        assert_eq!(status, 200, "{method} {path}: {json}");
        json
    }
}
