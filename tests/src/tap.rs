//! A tap on a wire: hands everything on, and keeps a copy.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Heard = Arc<Mutex<Vec<Vec<u8>>>>;

/// Listens on a free loopback port in a server's place.
pub struct Tap {
    address: SocketAddr,
    heard: Heard,
}

impl Tap {
    /// On the wire to a server such as `127.0.0.1:5672`. It hands on as long as the runtime lives.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn on(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tap = Self { address: listener.local_addr().unwrap(), heard: Arc::default() };
        let (server, heard) = (server.to_owned(), tap.heard.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(join(client, server.clone(), heard.clone()));
            }
        });
        tap
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All that was said until now, byte for byte: one text for each direction of each connection.
    pub fn heard(&self) -> Vec<Vec<u8>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn join(client: TcpStream, server: String, heard: Heard) {
    // A server that is away is as away as it would be without a tap.
    let Ok(server) = TcpStream::connect(server).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::join!(hand_on(from_client, to_server, &heard), hand_on(from_server, to_client, &heard));
}

async fn hand_on(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, heard: &Heard) {
    let text = {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(Vec::new());
        heard.len() - 1
    };
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        heard.lock().unwrap_or_else(PoisonError::into_inner)[text].extend(&piece[..length]);
        if to.write_all(&piece[..length]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_goes_either_way_arrives_and_is_heard() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tap = Tap::on(&server.local_addr().unwrap().to_string()).await;
        let mut client = TcpStream::connect(tap.address()).await.unwrap();
        let (mut answering, _) = server.accept().await.unwrap();
        let mut heard = [0; 4];
        client.write_all(b"ping").await.unwrap();
        answering.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"ping");
        answering.write_all(b"pong").await.unwrap();
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"pong");
        let mut all = tap.heard();
        all.sort();
        assert_eq!(all, [b"ping".to_vec(), b"pong".to_vec()]);
        drop(answering);
        assert_eq!(client.read(&mut heard).await.unwrap(), 0, "an end is handed on as well");
    }
}
