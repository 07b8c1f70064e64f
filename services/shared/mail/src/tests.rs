use super::*;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

fn mailer(smtp_url: Option<String>, folder: Option<PathBuf>) -> Result<Mailer, Error> {
    let clock = Clock::manual("2024-03-10T07:30:00Z".parse().unwrap());
    let config = Config { smtp_url, folder, from: "Candor <no-reply@candor.example>".into() };
    Mailer::new(&config, clock.clone(), Ids::new(clock))
}

fn message() -> Message {
    Message {
        to: "someone@home.example".into(),
        subject: "Is this your address?".into(),
        text: "Open this page:\n\nhttps://candor.example/verify?token=abc\n".into(),
    }
}

/// A mail server for one conversation: what it was told, line by line. It answers RCPT as asked.
async fn server(recipient: &'static str) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let conversation = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let mut heard = Vec::new();
        let mut in_text = false;
        write.write_all(b"220 test\r\n").await.unwrap();
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = match line.split(' ').next().unwrap_or_default() {
                "." if in_text => {
                    in_text = false;
                    "250 taken"
                }
                _ if in_text => "",
                "DATA" => {
                    in_text = true;
                    "354 go on"
                }
                "RCPT" => recipient,
                "QUIT" => "221 bye",
                _ => "250 fine",
            };
            heard.push(line);
            if !answer.is_empty() {
                let _ = write.write_all(format!("{answer}\r\n").as_bytes()).await;
            }
        }
        heard
    });
    (url, conversation)
}

#[tokio::test]
async fn a_mail_becomes_one_complete_file() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = mailer(None, Some(folder.path().join("mail"))).unwrap();
    mailer.send(message()).await.unwrap();
    mailer.send(message()).await.unwrap();
    let files: Vec<_> =
        std::fs::read_dir(folder.path().join("mail")).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 2);
    assert!(files.iter().all(|file| file.extension().unwrap() == "eml"));
    let mail = std::fs::read_to_string(&files[0]).unwrap();
    for expected in [
        "To: someone@home.example\r\n",
        "Subject: Is this your address?\r\n",
        "Date: Sun, 10 Mar 2024 07:30:00 +0000\r\n",
        "@candor.example>\r\n",
        "\r\nhttps://candor.example/verify?token=abc\r\n",
    ] {
        assert!(mail.contains(expected), "{expected:?} is not in {mail:?}");
    }
}

#[tokio::test]
async fn a_long_link_stays_in_one_piece() {
    let folder = tempfile::tempdir().unwrap();
    let link = format!("https://candor.example/verify?token={}", "a=".repeat(100));
    let mailer = mailer(None, Some(folder.path().into())).unwrap();
    mailer.send(Message { text: format!("Open this page:\n\n{link}\n"), ..message() }).await.unwrap();
    let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let mail = std::fs::read_to_string(file).unwrap();
    assert!(mail.contains("Content-Transfer-Encoding: 7bit\r\n"));
    assert!(mail.ends_with(&format!("\r\n\r\nOpen this page:\r\n\r\n{link}\r\n")), "{mail:?}");
}

#[tokio::test]
async fn a_mail_reaches_a_mail_server() {
    let (url, conversation) = server("250 fine").await;
    mailer(Some(url), None).unwrap().send(message()).await.unwrap();
    let heard = conversation.await.unwrap();
    assert!(heard.iter().any(|line| line.starts_with("MAIL FROM:<no-reply@candor.example>")), "{heard:?}");
    assert!(heard.iter().any(|line| line.starts_with("RCPT TO:<someone@home.example>")), "{heard:?}");
    assert!(heard.iter().any(|line| line == "https://candor.example/verify?token=abc"), "{heard:?}");
}

#[tokio::test]
async fn a_refusal_says_whether_to_try_again_and_never_to_whom() {
    for (answer, code, permanent) in
        [("550 <someone@home.example> unknown", 550, true), ("451 someone@home.example later", 451, false)]
    {
        let (url, _) = server(answer).await;
        let error = mailer(Some(url), None).unwrap().send(message()).await.unwrap_err();
        assert!(matches!(error, Error::Refused(found) if found == code), "{error}");
        assert_eq!(error.is_permanent(), permanent);
        assert!(!format!("{error} {error:?}").contains("home.example"));
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_worth_another_try() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = mailer(Some(url), None).unwrap().send(message()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable) && !error.is_permanent());
}

#[tokio::test]
async fn a_bad_address_or_subject_is_refused_without_repeating_it() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = mailer(None, Some(folder.path().into())).unwrap();
    for to in ["", "someone", "someone@", "some one@home.example", "a@home.example\r\nBcc: b@home.example"] {
        let error = mailer.send(Message { to: to.into(), ..message() }).await.unwrap_err();
        assert!(matches!(error, Error::Address) && error.is_permanent());
        assert!(to.is_empty() || !format!("{error} {error:?}").contains(to));
    }
    let error = mailer.send(Message { subject: "Hello\r\nBcc: b@home.example".into(), ..message() }).await;
    assert!(matches!(error, Err(Error::Subject)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn settings_that_cannot_work_are_refused_in_one_sentence() {
    let problem = |url: Option<&str>, folder: Option<&str>| {
        mailer(url.map(Into::into), folder.map(Into::into))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    assert_eq!(problem(None, None), "the mail setting `smtp_url` or `folder` must be set");
    assert!(problem(Some("smtp://localhost"), Some("mail")).contains("`folder` cannot be set together"));
    assert!(problem(Some("https://secret@host"), None).contains("`smtp_url` is not an smtp://"));
}
