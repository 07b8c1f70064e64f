//! A gRPC client that costs little: frames of HTTP/2 and nothing between them and whoever measures. What a client needs of
//! the cores, the servers do not get; pgbench needs next to nothing, so ours should not need much.

use h2::client::{ResponseFuture, SendRequest};
use http::{HeaderMap, Request, Uri};
use hyper::body::Bytes;
use prost::Message;
use prost::bytes::{BufMut as _, BytesMut};
use tokio::net::TcpStream;
use tonic::metadata::{Ascii, MetadataValue};

/// The bytes before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;
/// As much of answers as may be under way on a connection.
const WINDOW: u32 = 4 << 20;

/// A connection. Clones share it.
#[derive(Clone)]
pub(crate) struct Wire {
    sender: SendRequest<Bytes>,
    base: String,
}

impl Wire {
    /// To `http://…`.
    pub(crate) async fn connect(address: &str) -> Self {
        let authority = address.trim_start_matches("http://");
        let stream = TcpStream::connect(authority).await.expect("a connection");
        stream.set_nodelay(true).unwrap();
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(WINDOW).initial_connection_window_size(WINDOW);
        let (sender, connection) = builder.handshake(stream).await.expect("HTTP/2");
        tokio::spawn(connection);
        Self { sender, base: address.to_owned() }
    }

    /// Calls `/service/Method` with a passport; answers with the message, or says how it failed.
    pub(crate) async fn call<Q: Message, A: Message + Default>(
        &self,
        path: &str,
        passport: MetadataValue<Ascii>,
        message: &Q,
    ) -> Result<A, String> {
        let uri: Uri = format!("{}{path}", self.base).parse().map_err(said)?;
        let mut authorization = http::HeaderValue::from_bytes(passport.as_bytes()).map_err(said)?;
        authorization.set_sensitive(true);
        let request = Request::post(uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("authorization", authorization);
        let request = request.body(()).map_err(said)?;
        let mut sender = self.sender.clone().ready().await.map_err(said)?;
        let (answer, mut stream) = sender.send_request(request, false).map_err(said)?;
        stream.send_data(frame(message), true).map_err(said)?;
        A::decode(&received(answer).await?[..]).map_err(said)
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn frame(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(PREFIX + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).unwrap());
    message.encode(&mut frame).expect("there is room");
    frame.freeze()
}

/// The message of an answer that says it went well.
async fn received(answer: ResponseFuture) -> Result<Bytes, String> {
    let answer = answer.await.map_err(said)?;
    well(answer.headers())?;
    let mut body = answer.into_body();
    let mut bytes = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data.map_err(said)?;
        body.flow_control().release_capacity(data.len()).map_err(said)?;
        bytes.extend_from_slice(&data);
    }
    let trailers = body.trailers().await.map_err(said)?.ok_or("an answer without a status")?;
    well(&trailers)?;
    if bytes.len() < PREFIX {
        Err("an answer without a message".to_owned())
    } else {
        Ok(bytes.freeze().slice(PREFIX..))
    }
}

/// Whether a status, if there is one, is that of success.
fn well(headers: &HeaderMap) -> Result<(), String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match text("grpc-status") {
        None | Some("0") => Ok(()),
        Some(code) => Err(format!("{code}: {}", text("grpc-message").unwrap_or_default())),
    }
}
