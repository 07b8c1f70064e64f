//! Fetches the keys that clients publish at an address of their own: the one that is registered, over TLS, on the public
//! internet, without following it anywhere else, and no more than a set of keys needs.

use crate::domain::client::{FetchProblem, Fetched, JwksUrl, KeySet, MOST_JWKS_BYTES, is_public};
use chassis::config::Profile;
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Semaphore,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

/// A fetch takes no longer, from the name to the last byte.
const PATIENCE: Duration = Duration::from_secs(5);
/// Fetches of this process at once; whoever comes then waits within their patience.
const AT_ONCE: usize = 16;
/// The most bytes of an answer's head.
const MOST_HEAD_BYTES: usize = 16 * 1024;
/// Addresses of one name that are looked at.
const MOST_ADDRESSES: usize = 16;

/// Where an address may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To the public internet alone: behind everything else are the databases and consoles of whoever runs this place.
    Public,
    /// To this machine alone, and without TLS as well; for tests.
    Loopback,
}

/// Fetches keys. Clones share their places.
#[derive(Clone)]
pub struct KeyFetcher {
    tls: TlsConnector,
    reach: Reach,
    places: Arc<Semaphore>,
}

impl KeyFetcher {
    /// For a process of that kind. Only tests reach this machine, and they reach nothing else.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(profile: Profile) -> Result<Self, rustls::Error> {
        let reach = match profile {
            Profile::Test => Reach::Loopback,
            Profile::Development | Profile::Production => Reach::Public,
        };
        Self::trusting(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(), reach)
    }

    /// With roots of the caller's choice.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn trusting(roots: RootCertStore, reach: Reach) -> Result<Self, rustls::Error> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tls = TlsConnector::from(Arc::new(config));
        Ok(Self { tls, reach, places: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    /// Fetches the keys at an address.
    ///
    /// # Errors
    /// What went wrong. Nothing of what was found is in it.
    pub async fn fetch(&self, url: &JwksUrl) -> Result<Fetched, FetchProblem> {
        if !url.is_secure && self.reach == Reach::Public {
            return Err(FetchProblem::Refused);
        }
        let fetch = async {
            let _place = self.places.acquire().await.map_err(|_| FetchProblem::Unreachable)?;
            let stream = connect(&self.addresses(url).await?).await?;
            if url.is_secure {
                ask(self.secure(url, stream).await?, url).await
            } else {
                ask(stream, url).await
            }
        };
        timeout(PATIENCE, fetch).await.unwrap_or(Err(FetchProblem::TooSlow))
    }

    /// Where the name leads. It is looked up once, and what was looked at is what is connected to; a name that leads to a
    /// forbidden place among others is refused as a whole.
    async fn addresses(&self, url: &JwksUrl) -> Result<Vec<SocketAddr>, FetchProblem> {
        let found = tokio::net::lookup_host((url.host.as_str(), url.port)).await;
        let found: Vec<_> = found.map_err(|_| FetchProblem::Unreachable)?.take(MOST_ADDRESSES).collect();
        let is_allowed = |address: &SocketAddr| match self.reach {
            Reach::Public => is_public(address.ip()),
            Reach::Loopback => address.ip().is_loopback(),
        };
        if found.iter().all(is_allowed) { Ok(found) } else { Err(FetchProblem::NotPublic) }
    }

    async fn secure(
        &self,
        url: &JwksUrl,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, FetchProblem> {
        let name = ServerName::try_from(url.host.clone()).map_err(|_| FetchProblem::Refused)?;
        self.tls.connect(name, stream).await.map_err(|error| {
            let is_of_tls = error.get_ref().is_some_and(|cause| cause.is::<rustls::Error>());
            if is_of_tls { FetchProblem::Certificate } else { FetchProblem::Unreachable }
        })
    }
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, FetchProblem> {
    for address in addresses {
        if let Ok(Ok(stream)) = timeout(PATIENCE / 3, TcpStream::connect(address)).await {
            return Ok(stream);
        }
    }
    Err(FetchProblem::Unreachable)
}

/// One request on a connection of its own, and its answer.
async fn ask<S>(stream: S, url: &JwksUrl) -> Result<Fetched, FetchProblem>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = http1::Builder::new().max_buf_size(MOST_HEAD_BYTES).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|_| FetchProblem::Unreachable)?;
    let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
    let request = Request::get(&url.target)
        .header(header::HOST, url.host_header())
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, "candor")
        .body(Empty::<Bytes>::new())
        .map_err(|_| FetchProblem::Refused)?;
    let response = sender.send_request(request).await.map_err(|_| FetchProblem::Unreachable)?;
    if response.status() != StatusCode::OK {
        return Err(FetchProblem::Status);
    }
    let max_age = max_age(response.headers());
    let body = whole(response).await?;
    let set = KeySet::fetched(&body).ok_or(FetchProblem::NoKeys)?;
    Ok(Fetched { set, max_age })
}

async fn whole(response: Response<Incoming>) -> Result<Bytes, FetchProblem> {
    let collected = Limited::new(response.into_body(), MOST_JWKS_BYTES).collect().await;
    let whole = collected.map_err(|error| {
        if error.is::<LengthLimitError>() { FetchProblem::TooLarge } else { FetchProblem::Unreachable }
    });
    Ok(whole?.to_bytes())
}

/// How many seconds an answer may be kept by its own word (RFC 9111), where it says so.
fn max_age(headers: &HeaderMap) -> Option<u32> {
    let values = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut said = None;
    for directive in values.flat_map(|value| value.split(',')).map(|text| text.trim().to_ascii_lowercase()) {
        match directive.split_once('=') {
            None if directive == "no-store" || directive == "no-cache" => return Some(0),
            Some(("max-age", seconds)) => {
                // What cannot be read is not kept.
                let seconds = seconds.trim_matches('"').parse().unwrap_or(0);
                said = Some(said.map_or(seconds, |known: u32| known.min(seconds)));
            }
            _ => {}
        }
    }
    let age = headers.get(header::AGE).and_then(|value| value.to_str().ok()?.parse().ok());
    said.map(|seconds| seconds.saturating_sub(age.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_how_long_it_may_be_kept() {
        for (lines, seconds) in [
            (&[][..], None),
            (&["public"], None),
            (&["max-age=600"], Some(600)),
            (&["Public, Max-Age=\"600\""], Some(600)),
            (&["max-age=600, max-age=60"], Some(60)),
            (&["max-age=600", "no-store"], Some(0)),
            (&["no-cache"], Some(0)),
            (&["max-age=99999999999"], Some(0)),
            (&["max-age=-1"], Some(0)),
            (&["s-maxage=5"], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::CACHE_CONTROL, line.parse().unwrap());
            }
            assert_eq!(max_age(&headers), seconds, "{lines:?}");
            headers.insert(header::AGE, "100".parse().unwrap());
            assert_eq!(max_age(&headers), seconds.map(|seconds| seconds.saturating_sub(100)), "{lines:?}");
        }
    }
}
