//! Nobody can find out who is here.

use crate::{
    kit::{House, OTHER_PASSWORD, PASSWORD},
    people::visible,
};

async fn house() -> House {
    let house = House::new().await;
    house.join("known@example.org", PASSWORD).await;
    house.register("unproven@example.org", PASSWORD).await.unwrap();
    house.work().await;
    house.mails();
    house
}

const ADDRESSES: [&str; 3] = ["known@example.org", "unproven@example.org", "unknown@example.org"];

#[tokio::test]
async fn registering_answers_and_works_the_same_for_every_address() {
    let house = house().await;
    for address in ADDRESSES {
        let (runs, rows) = (house.accounts.hashing.runs(), house.count("address_request").await);
        let tables = (house.count("account").await, house.count("mail_queue").await, house.events().await);
        house.register(address, OTHER_PASSWORD).await.unwrap();
        assert_eq!(house.accounts.hashing.runs(), runs + 1, "{address}");
        // One row more, and nothing else yet: what differs happens when the caller has gone.
        assert_eq!(house.count("address_request").await, rows + 1, "{address}");
        assert_eq!(
            (house.count("account").await, house.count("mail_queue").await, house.events().await),
            tables,
            "{address}"
        );
    }
    house.work().await;
    let mails = house.mails();
    let to = |address: &str| mails.iter().find(|mail| mail.to == address).unwrap();
    assert_eq!(mails.len(), 3);
    assert_eq!(to("known@example.org").subject, "About your address");
    assert!(!to("known@example.org").text.contains("token"));
    assert_eq!(to("unproven@example.org").subject, "Confirm your address");
    assert_eq!(to("unknown@example.org").subject, "Confirm your address");
    // The known member's password is what it was.
    house.sign_in("known@example.org", PASSWORD).await.unwrap();
    house.sign_in("known@example.org", OTHER_PASSWORD).await.err().unwrap();
}

#[tokio::test]
async fn asking_for_another_mail_answers_the_same_for_every_address() {
    let house = house().await;
    for address in ADDRESSES {
        let rows = house.count("address_request").await;
        house.resend(address).await.unwrap();
        assert_eq!(house.count("address_request").await, rows + 1, "{address}");
    }
    house.work().await;
    let mails = house.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, "unproven@example.org");
    house.verify(&mails[0].token()).await.unwrap();
}

#[tokio::test]
async fn asking_for_a_new_password_answers_and_works_the_same_for_every_address() {
    let house = house().await;
    for address in ADDRESSES {
        let (runs, rows) = (house.accounts.hashing.runs(), house.count("address_request").await);
        let tables = (house.count("password_reset").await, house.count("mail_queue").await);
        house.ask_for_reset(address).await.unwrap();
        assert_eq!(house.count("address_request").await, rows + 1, "{address}");
        let after = (house.count("password_reset").await, house.count("mail_queue").await);
        assert_eq!((after, house.accounts.hashing.runs()), (tables, runs), "{address}");
    }
    house.work().await;
    let mails = house.mails();
    assert_eq!(mails.len(), 1, "an address that nobody has proven gets no link");
    assert_eq!((mails[0].to.as_str(), mails[0].subject.as_str()), ("known@example.org", "A new password"));
}

#[tokio::test]
async fn a_refused_sign_in_says_the_same_whatever_was_wrong() {
    let house = house().await;
    let attempts = [
        ("known@example.org", OTHER_PASSWORD),
        ("unproven@example.org", PASSWORD),
        ("unproven@example.org", OTHER_PASSWORD),
        ("unknown@example.org", PASSWORD),
    ];
    let mut seen = Vec::new();
    for (address, password) in attempts {
        let runs = house.accounts.hashing.runs();
        let status = house.sign_in(address, password).await.err().unwrap();
        assert_eq!(house.accounts.hashing.runs(), runs + 1, "{address}");
        assert_eq!(status.code(), tonic::Code::Unauthenticated);
        seen.push(visible(&status));
    }
    assert!(seen.iter().all(|one| *one == seen[0]));
    let runs = house.accounts.hashing.runs();
    house.sign_in("known@example.org", PASSWORD).await.unwrap();
    assert_eq!(house.accounts.hashing.runs(), runs + 1);
}
