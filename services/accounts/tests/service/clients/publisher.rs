//! A machine that publishes keys: it answers every connection with what it is told to, and counts them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub(super) struct Publisher {
    pub(super) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    /// What is answered; nothing, if the caller is left to wait.
    answer: Mutex<Option<String>>,
    calls: AtomicUsize,
    last_request: Mutex<String>,
}

impl Publisher {
    pub(super) async fn start() -> Self {
        Self::serve(None).await
    }

    /// The same behind TLS.
    pub(super) async fn behind(tls: TlsAcceptor) -> Self {
        Self::serve(Some(tls)).await
    }

    async fn serve(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            answer: Mutex::new(None),
            calls: AtomicUsize::new(0),
            last_request: Mutex::default(),
        });
        let own = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, tls) = (Arc::clone(&own), tls.clone());
                shared.calls.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                shared.answer(stream).await;
                            }
                        }
                        None => shared.answer(stream).await,
                    }
                });
            }
        });
        Self { port, shared }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/keys?set=1", self.port)
    }

    /// Answers with these keys from now on, and more of the answer's head.
    pub(super) fn publish(&self, jwks: &str, head: &str) {
        let length = jwks.len();
        self.answer(&format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{head}\r\n{jwks}"));
    }

    /// Answers with this from now on.
    pub(super) fn answer(&self, text: &str) {
        *self.shared.answer.lock().unwrap() = Some(text.to_owned());
    }

    /// Leaves every caller waiting from now on.
    pub(super) fn say_nothing(&self) {
        *self.shared.answer.lock().unwrap() = None;
    }

    pub(super) fn calls(&self) -> usize {
        self.shared.calls.load(Ordering::SeqCst)
    }

    pub(super) fn last_request(&self) -> String {
        self.shared.last_request.lock().unwrap().clone()
    }
}

impl Shared {
    async fn answer(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => request.push(byte),
                Err(_) => return,
            }
        }
        *self.last_request.lock().unwrap() = String::from_utf8_lossy(&request).into_owned();
        let answer = self.answer.lock().unwrap().clone();
        match answer {
            Some(answer) => {
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
            None => std::future::pending().await,
        }
    }
}
