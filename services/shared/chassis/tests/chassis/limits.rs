use crate::kit::{start, within};
use candor_proto::accounts::v1::*;
use chassis::config::Platform;
use chassis::serve::MAX_MESSAGE_BYTES;
use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

fn small(calls_in_flight: usize) -> Platform {
    let mut platform = Platform::default();
    platform.limits.calls_in_flight = calls_in_flight;
    platform
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_and_the_connection_lives() {
    let server = start(Platform::default());
    let mut client = server.client();
    let status = client.end_session(server.ask(&"a".repeat(2 * MAX_MESSAGE_BYTES))).await.err().unwrap();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.get_details_error_info().unwrap().reason, "MESSAGE_TOO_LARGE");
    client.end_session(server.ask(&"a".repeat(MAX_MESSAGE_BYTES - 100))).await.unwrap();
}

#[tokio::test]
async fn one_call_too_many_is_told_when_to_come_back_and_health_still_answers() {
    let server = start(small(2));
    server.ready().await;
    let (first, second) = (server.held().await, server.held().await);
    let status = within(server.client().end_session(server.ask("nothing"))).await.err().unwrap();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
    HealthClient::new(server.channel()).check(HealthCheckRequest::default()).await.unwrap();
    server.control.release.add_permits(2);
    within(first).await.unwrap().unwrap();
    within(second).await.unwrap().unwrap();
    server.client().end_session(server.ask("nothing")).await.unwrap();
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_its_place() {
    let server = start(small(1));
    let held = server.held().await;
    held.abort();
    let _ = held.await;
    // The server hears of it with the next frames.
    within(async {
        while server.client().end_session(server.ask("nothing")).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn no_call_takes_longer_than_the_server_allows() {
    let mut platform = Platform::default();
    platform.limits.deadline_seconds = 1;
    let server = start(platform);
    let status = within(server.client().end_session(server.ask("wait"))).await.err().unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(status.get_details_error_info().unwrap().reason, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_running_call_is_finished_and_nothing_new_is_taken() {
    let server = start(Platform::default());
    let mut watch = HealthClient::new(server.channel());
    let mut stream = watch.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    let held = server.held().await;
    server.shutdown.cancel();
    // An open watch does not hold the server up: it ends.
    within(async { while let Ok(Some(_)) = stream.message().await {} }).await;
    within(async {
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!server.done.is_finished());
    server.control.release.add_permits(1);
    within(held).await.unwrap().unwrap();
    within(server.done).await.unwrap().unwrap();
}

#[tokio::test]
async fn headers_beyond_the_cap_are_refused_and_the_server_lives() {
    let server = start(Platform::default());
    let mut request = server.signed(ListSessionsRequest {});
    for n in 0..40 {
        let name: tonic::metadata::AsciiMetadataKey = format!("x-{n}").parse().unwrap();
        request.metadata_mut().insert(name, "a".repeat(1000).parse().unwrap());
    }
    within(server.client().list_sessions(request)).await.err().unwrap();
    server.client().end_session(server.ask("nothing")).await.unwrap();
}
