//! Reading another person's data: the capability at the door, and the SQL function in the query.

use crate::kit::{OneKey, Server, start, start_with, within};
use candor_proto::accounts::v1::EndSessionRequest;
use candor_proto::journal::v1::check_in_service_client::CheckInServiceClient;
use candor_proto::journal::v1::{CheckIn, GetCheckInRequest, GetCheckInResponse};
use candor_proto::options::v1::Scope;
use chassis::audience::{EndedTokens, Reading, admit_reader, end_session, raise_epoch, sweep};
use chassis::config::Platform;
use chassis::identity::Keyring;
use chassis::identity::capability::{HEADER, Opening};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use std::sync::Arc;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

const ITEM: Uuid = Uuid::from_u128(77);
/// The kit's member, as its passports say.
const READER: Uuid = Uuid::from_u128(1);
const OWNER: Uuid = Uuid::from_u128(5);

/// The handler that every delegated call has, as small as it gets: it answers with whose data it would read.
pub(crate) fn get_check_in(
    request: Request<GetCheckInRequest>,
) -> Result<Response<GetCheckInResponse>, Status> {
    let (passport, reading, _) = admit_reader(request)?;
    let owner = match reading {
        Reading::Own => passport.account_id,
        Reading::Of(capability) => capability.opening.owner_id,
    };
    let check_in = CheckIn { check_in_id: owner.to_string(), ..Default::default() };
    Ok(Response::new(GetCheckInResponse { check_in: Some(check_in) }))
}

fn opening() -> Opening {
    Opening {
        owner_id: OWNER,
        relation_id: Uuid::from_u128(9),
        scope: Scope::CheckIns.into(),
        item_id: Some(ITEM),
        epoch: 1,
        receipt_id: Uuid::from_u128(8),
    }
}

async fn read(server: &Server, owner: &str, capability: Option<String>) -> Result<String, Status> {
    let message = GetCheckInRequest { check_in_id: ITEM.to_string(), owner_account_id: owner.to_owned() };
    let mut request = server.signed(message);
    if let Some(token) = capability {
        request.metadata_mut().insert(HEADER, token.parse().unwrap());
    }
    let answer = within(CheckInServiceClient::new(server.channel()).get_check_in(request)).await?;
    Ok(answer.into_inner().check_in.unwrap().check_in_id)
}

#[tokio::test]
async fn ones_own_data_needs_no_capability_and_anothers_needs_the_right_one() {
    let server = start(Platform::default());
    assert_eq!(read(&server, "", None).await.unwrap(), READER.to_string());
    assert_eq!(read(&server, &READER.to_string(), None).await.unwrap(), READER.to_string());
    let owner = OWNER.to_string();
    let right = server.capability(READER, &opening());
    assert_eq!(read(&server, &owner, Some(right)).await.unwrap(), owner);
    let whole_scope = server.capability(READER, &Opening { item_id: None, ..opening() });
    assert_eq!(read(&server, &owner, Some(whole_scope)).await.unwrap(), owner);

    let reason =
        |status: Status| (status.code(), status.get_error_details().error_info().unwrap().reason.clone());
    let missing = reason(read(&server, &owner, None).await.unwrap_err());
    assert_eq!(missing, (Code::PermissionDenied, "CAPABILITY_REQUIRED".to_owned()));
    let wrong = [
        server.capability(Uuid::from_u128(2), &opening()),
        server.capability(READER, &Opening { owner_id: Uuid::from_u128(6), ..opening() }),
        server.capability(READER, &Opening { scope: Scope::SharedItems.into(), ..opening() }),
        server.capability(READER, &Opening { item_id: Some(Uuid::from_u128(78)), ..opening() }),
        server.capability_of_session(READER, Uuid::from_u128(3), &opening()),
    ];
    for token in wrong {
        assert_eq!(reason(read(&server, &owner, Some(token)).await.unwrap_err()), missing);
    }
}

#[tokio::test]
async fn what_is_no_living_capability_is_refused_before_the_handler() {
    let server = start(Platform::default());
    let mut late = server.capability(READER, &opening());
    assert!(read(&server, &OWNER.to_string(), Some(late.clone())).await.is_ok());
    server.move_clock(10);
    let passport = server.token(READER);
    for token in [std::mem::take(&mut late), passport, "a.b.c".to_owned(), String::new(), "x".repeat(5000)] {
        let refused = read(&server, &OWNER.to_string(), Some(token)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert_eq!(refused.get_error_details().error_info().unwrap().reason, "CAPABILITY_INVALID");
    }
    let mut request =
        server.signed(GetCheckInRequest { check_in_id: ITEM.to_string(), ..Default::default() });
    for _ in 0..2 {
        request.metadata_mut().append(HEADER, server.capability(READER, &opening()).parse().unwrap());
    }
    let twice =
        within(CheckInServiceClient::new(server.channel()).get_check_in(request)).await.err().unwrap();
    assert_eq!(twice.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_capability_is_no_passport() {
    let server = start(Platform::default());
    let mut request = Request::new(GetCheckInRequest { check_in_id: ITEM.to_string(), ..Default::default() });
    let token = format!("Bearer {}", server.capability(READER, &opening()));
    request.metadata_mut().insert("authorization", token.parse().unwrap());
    let refused = within(CheckInServiceClient::new(server.channel()).get_check_in(request)).await;
    assert_eq!(refused.err().unwrap().code(), Code::Unauthenticated);
}

async fn admits(conn: &mut PgConnection, epoch: i64, now: &str) -> bool {
    let now: Timestamp = now.parse().unwrap();
    let ends: Timestamp = "2026-03-10T19:30:10Z".parse().unwrap();
    sqlx::query_scalar::<_, bool>("SELECT chassis.admits($1, $2, $3, $4, $5, $6)")
        .bind(OWNER)
        .bind(READER)
        .bind(Uuid::from_u128(2))
        .bind(epoch)
        .bind(ends.to_sqlx())
        .bind(now.to_sqlx())
        .fetch_one(conn)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_query_admits_until_time_epoch_or_session_end_it() {
    let database = candor_tests::postgres().await;
    chassis::migrate(database.pool()).await.unwrap();
    let mut conn = database.pool().acquire().await.unwrap();
    let now = "2026-03-10T19:30:09Z";
    assert!(admits(&mut conn, 0, now).await);
    assert!(!admits(&mut conn, 0, "2026-03-10T19:30:10Z").await, "its time is over");
    // Raised in disorder and twice: the highest counts.
    for epoch in [3, 1, 2, 3] {
        raise_epoch(&mut conn, OWNER, READER, epoch).await.unwrap();
    }
    assert!(!admits(&mut conn, 2, now).await);
    assert!(admits(&mut conn, 3, now).await);
    raise_epoch(&mut conn, READER, OWNER, 9).await.unwrap();
    assert!(admits(&mut conn, 3, now).await, "the other direction is another matter");
    end_session(&mut conn, Uuid::from_u128(4), now.parse().unwrap()).await.unwrap();
    assert!(admits(&mut conn, 3, now).await, "somebody else's session");
    for _ in 0..2 {
        end_session(&mut conn, Uuid::from_u128(2), now.parse().unwrap()).await.unwrap();
    }
    assert!(!admits(&mut conn, 3, now).await);
}

#[tokio::test]
async fn ended_sessions_are_forgotten_after_their_passports_are_long_over() {
    let database = candor_tests::postgres().await;
    chassis::migrate(database.pool()).await.unwrap();
    let mut conn = database.pool().acquire().await.unwrap();
    for n in 0..3 {
        end_session(&mut conn, Uuid::from_u128(n), "2026-03-10T19:30:00Z".parse().unwrap()).await.unwrap();
    }
    assert_eq!(sweep(&mut conn, "2026-03-10T19:39:59Z".parse().unwrap(), 10).await.unwrap(), 0);
    assert_eq!(sweep(&mut conn, "2026-03-10T19:40:00Z".parse().unwrap(), 2).await.unwrap(), 2);
    assert_eq!(sweep(&mut conn, "2026-03-10T19:40:00Z".parse().unwrap(), 2).await.unwrap(), 1);
}

#[tokio::test]
async fn a_token_of_software_counts_until_a_service_hears_that_it_ended() {
    let database = candor_tests::postgres().await;
    chassis::migrate(database.pool()).await.unwrap();
    let server = start_with(Platform::default(), |clock| {
        Keyring::new(Arc::new(OneKey), clock).taking_clients(Arc::new(EndedTokens(database.pool().clone())))
    });
    let token_id = Uuid::from_u128(21);
    let ask = || {
        let mut request = Request::new(EndSessionRequest { session_id: "nothing".into() });
        let token = format!("Bearer {}", server.client_token(token_id)).parse().unwrap();
        request.metadata_mut().insert("authorization", token);
        let mut client = server.client();
        async move { within(client.end_session(request)).await }
    };
    ask().await.unwrap();
    let mut conn = database.pool().acquire().await.unwrap();
    end_session(&mut conn, token_id, "2024-03-10T07:30:00Z".parse().unwrap()).await.unwrap();
    let status = ask().await.err().unwrap();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.get_details_error_info().unwrap().reason, "PASSPORT_EXPIRED");
}
