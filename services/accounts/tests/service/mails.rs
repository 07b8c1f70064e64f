//! Mail is neither lost nor sent for ever, and says nothing to who looks over a shoulder.

use crate::kit::{House, PASSWORD};
use accounts::{app, jobs, outbound::Postman};
use chassis::Ids;
use jiff::SignedDuration;
use mail::Mailer;
use std::{net::SocketAddr, time::Duration};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const ANNA: &str = "anna@example.org";

/// A postman whose mail server is away.
fn nobody(house: &House) -> Postman {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    postman(house, address)
}

fn postman(house: &House, address: SocketAddr) -> Postman {
    let url = format!("smtp://{address}");
    let config = mail::Config { smtp_url: Some(url), folder: None, from: "no-reply@candor.example".into() };
    let mailer = Mailer::new(&config, house.clock.clone(), Ids::new(house.clock.clone())).unwrap();
    Postman::new(mailer, "https://candor.example")
}

async fn queued() -> House {
    let house = House::new().await;
    house.register(ANNA, PASSWORD).await.unwrap();
    while jobs::settle_requests(&house.accounts).await.unwrap() {}
    assert_eq!(house.count("mail_queue").await, 1);
    house
}

#[tokio::test]
async fn a_mail_whose_replica_died_is_sent_by_another() {
    let house = queued().await;
    // Killed between the claim and the record, whether or not the server had the mail by then.
    assert_eq!(app::claim_mails(&house.accounts).await.unwrap().len(), 1);
    let other = house.replica();
    other.work().await;
    assert_eq!(house.mails().len(), 0);
    house.advance(SignedDuration::from_mins(5));
    other.work().await;
    let mails = house.mails();
    assert_eq!(mails.len(), 1);
    house.verify(&mails[0].token()).await.unwrap();
    assert_eq!(house.count("mail_queue").await, 0);
}

#[tokio::test]
async fn a_mail_waits_out_a_mail_server_that_is_away() {
    let house = queued().await;
    let nobody = nobody(&house);
    for _ in 0..3 {
        assert_eq!(house.send(&nobody).await, 1);
        house.advance(SignedDuration::from_mins(2));
    }
    house.work().await;
    house.verify(&house.mails().pop().unwrap().token()).await.unwrap();
}

#[tokio::test]
async fn of_several_registrations_while_the_mail_server_is_away_one_mail_remains() {
    let house = queued().await;
    let nobody = nobody(&house);
    for _ in 0..2 {
        house.send(&nobody).await;
        house.register(ANNA, PASSWORD).await.unwrap();
        while jobs::settle_requests(&house.accounts).await.unwrap() {}
    }
    house.advance(SignedDuration::from_hours(1));
    house.work().await;
    let mails = house.mails();
    assert_eq!(mails.len(), 1);
    house.verify(&mails[0].token()).await.unwrap();
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_is_given_up_and_keeps_no_text() {
    let house = queued().await;
    let nobody = nobody(&house);
    let mut attempts = 0;
    while house.send(&nobody).await == 1 {
        attempts += 1;
        house.advance(SignedDuration::from_hours(1));
    }
    assert_eq!(attempts, 12);
    assert_eq!(house.count("mail_queue WHERE dead_at IS NOT NULL AND letter IS NULL").await, 1);
    house.advance(SignedDuration::from_hours(31 * 24));
    jobs::keep_house(&house.accounts).await.unwrap();
    assert_eq!(house.count("mail_queue").await, 0);
}

#[tokio::test]
async fn a_mail_of_an_account_whose_key_is_destroyed_is_dropped() {
    let house = queued().await;
    let account_id = house.events().await[0].1;
    house.accounts.vault.shred(account_id).await.unwrap();
    house.work().await;
    assert_eq!((house.mails().len(), house.count("mail_queue").await), (0, 0));
}

#[tokio::test]
async fn two_replicas_send_a_mail_once() {
    let house = queued().await;
    let other = house.replica();
    tokio::join!(house.work(), other.work());
    assert_eq!(house.mails().len(), 1);
}

#[tokio::test]
async fn a_mail_server_that_never_answers_does_not_hold_up_the_end_and_another_replica_sends_at_once() {
    let house = queued().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (postman, shutdown) = (postman(&house, silent.local_addr().unwrap()), CancellationToken::new());
    let sending = jobs::send_mails(&house.accounts, &postman, &shutdown);
    let ending = async {
        let held = silent.accept().await.unwrap();
        shutdown.cancel();
        held
    };
    let (_held, more) =
        timeout(Duration::from_secs(8), async { tokio::join!(ending, sending) }).await.unwrap();
    assert!(more.unwrap());
    assert_eq!(house.count("mail_queue WHERE dead_at IS NULL").await, 1);
    house.replica().work().await;
    house.verify(&house.mails().pop().unwrap().token()).await.unwrap();
    assert_eq!((house.mails().len(), house.count("mail_queue").await), (0, 0));
}

#[tokio::test]
async fn a_mail_that_arrives_while_the_process_ends_is_sent_once() {
    let house = queued().await;
    let slow = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (postman, shutdown) = (postman(&house, slow.local_addr().unwrap()), CancellationToken::new());
    let sending = jobs::send_mails(&house.accounts, &postman, &shutdown);
    let server = async {
        let (stream, _) = slow.accept().await.unwrap();
        shutdown.cancel(); // the process ends while the mail is on its way
        take_in(stream).await
    };
    let (taken, more) =
        timeout(Duration::from_secs(8), async { tokio::join!(server, sending) }).await.unwrap();
    assert!(more.unwrap() && taken);
    house.replica().work().await;
    assert_eq!((house.mails().len(), house.count("mail_queue").await), (0, 0));
}

/// Speaks as much SMTP as it takes to accept one mail; true when it has one.
async fn take_in(mut stream: TcpStream) -> bool {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 here\r\n").await.unwrap();
    while let Some(line) = lines.next_line().await.unwrap() {
        let answer: &[u8] = match line.get(..4) {
            Some("DATA") => b"354 go on\r\n",
            Some("EHLO" | "MAIL" | "RCPT") => b"250 fine\r\n",
            Some("QUIT") => b"221 bye\r\n",
            _ if line == "." => {
                write.write_all(b"250 taken\r\n").await.unwrap();
                return true;
            }
            _ => continue,
        };
        write.write_all(answer).await.unwrap();
    }
    false
}

#[tokio::test]
async fn a_mail_that_has_not_begun_when_the_process_ends_is_left_to_others() {
    let house = queued().await;
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    jobs::send_mails(&house.accounts, &house.postman, &shutdown).await.unwrap();
    assert_eq!(house.count("mail_queue").await, 1);
    house.replica().work().await;
    assert_eq!(house.mails().len(), 1);
}

#[tokio::test]
async fn a_mail_is_plain_kind_and_tells_nothing() {
    let house = queued().await;
    house.work().await;
    let mail = house.mails().pop().unwrap();
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), (ANNA, "Confirm your address"));
    assert!(mail.text.contains("\r\nhttps://candor.example/verify?token=cv_"), "{}", mail.text);
    // Whoever did not choose a password here is told that there is nothing to do.
    assert!(
        mail.text.contains("password you chose") && mail.text.contains("did not register"),
        "{}",
        mail.text
    );
    for word in ["relationship", "partner", "journal", "couple", "counsel", "!"] {
        assert!(!mail.text.to_lowercase().contains(word), "{word}");
    }
}
