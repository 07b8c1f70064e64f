use crate::kit::{start, start_with, within};
use candor_proto::accounts::v1::*;
use candor_proto::journal::v1::AnswerCheckInRequest;
use candor_proto::journal::v1::check_in_service_client::CheckInServiceClient;
use chassis::config::Platform;
use chassis::identity::Keyring;
use tonic::{Code, Request};
use tonic_types::StatusExt;
use uuid::Uuid;

#[tokio::test]
async fn a_caller_is_who_the_passport_says_and_nobody_else() {
    let server = start(Platform::default());
    let mut client = server.client();
    let mut request = server.signed(ListSessionsRequest {});
    request.metadata_mut().insert("x-user-id", "00000000-0000-0000-0000-000000000009".parse().unwrap());
    let answer = within(client.list_sessions(request)).await.unwrap().into_inner();
    assert_eq!(answer.sessions[0].session_id, Uuid::from_u128(1).to_string());
}

#[tokio::test]
async fn without_a_passport_nothing_but_public_calls() {
    let server = start(Platform::default());
    let mut client = server.client();
    let mut named = Request::new(ListSessionsRequest {});
    named.metadata_mut().insert("x-user-id", Uuid::from_u128(1).to_string().parse().unwrap());
    assert_eq!(client.list_sessions(named).await.err().unwrap().code(), Code::Unauthenticated);
    for wrong in ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", "a.b.c"] {
        let mut request = Request::new(ListSessionsRequest {});
        request.metadata_mut().insert("authorization", wrong.parse().unwrap());
        assert_eq!(
            client.list_sessions(request).await.err().unwrap().code(),
            Code::Unauthenticated,
            "{wrong}"
        );
    }
    let mut twice = server.signed(ListSessionsRequest {});
    let second = format!("Bearer {}", server.token(Uuid::from_u128(5))).parse().unwrap();
    twice.metadata_mut().append("authorization", second);
    assert_eq!(client.list_sessions(twice).await.err().unwrap().code(), Code::Unauthenticated);

    client.list_signing_keys(ListSigningKeysRequest {}).await.unwrap();
    let sign_in = SignInRequest { email: "a@b".into(), password: "x".into(), ..SignInRequest::default() };
    client.sign_in(server.signed(sign_in)).await.unwrap();
}

#[tokio::test]
async fn a_suspended_account_reaches_what_is_never_gated_and_nothing_else() {
    let server = start(Platform::default());
    let token = server.suspended_token(Uuid::from_u128(1));
    reaches_what_is_never_gated(&server, &token, (Code::PermissionDenied, "ACCOUNT_SUSPENDED")).await;
}

#[tokio::test]
async fn whoever_has_yet_to_accept_the_terms_reaches_what_is_never_gated_and_nothing_else() {
    let server = start(Platform::default());
    let token = server.unaccepted_token(Uuid::from_u128(1));
    reaches_what_is_never_gated(&server, &token, (Code::FailedPrecondition, "TERMS_NOT_ACCEPTED")).await;
}

/// Whether a token opens what is never gated, and nothing else.
async fn reaches_what_is_never_gated(server: &crate::kit::Server, token: &str, refusal: (Code, &str)) {
    let mut client = server.client();
    let bearer = format!("Bearer {token}");
    let mut open = Request::new(ListSessionsRequest {});
    open.metadata_mut().insert("authorization", bearer.parse().unwrap());
    client.list_sessions(open).await.unwrap();
    let mut closed = Request::new(AnswerCheckInRequest::default());
    closed.metadata_mut().insert("authorization", bearer.parse().unwrap());
    let refused = CheckInServiceClient::new(server.channel()).answer_check_in(closed).await.err().unwrap();
    let reason = refused.get_error_details().error_info().map(|info| info.reason.clone());
    assert_eq!((refused.code(), reason.as_deref()), (refusal.0, Some(refusal.1)));
}

#[tokio::test]
async fn the_passport_is_asked_for_before_a_byte_is_decoded() {
    let server = start(Platform::default());
    let undecodable = call_with(&server, Request::new(7u64)).await;
    assert_eq!(undecodable.code(), Code::Unauthenticated);
}

async fn call_with<M: prost::Message + Default + 'static>(
    server: &crate::kit::Server,
    request: Request<M>,
) -> tonic::Status {
    let mut grpc = tonic::client::Grpc::new(server.channel());
    grpc.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<M, EndSessionResponse>::default();
    let path = http::uri::PathAndQuery::from_static("/candor.accounts.v1.SessionService/EndSession");
    grpc.unary(request, path, codec).await.err().unwrap()
}

#[tokio::test]
async fn bytes_that_cannot_be_decoded_are_the_caller_s_doing() {
    let server = start(Platform::default());
    // A number, and bytes that are not UTF-8, where the session's id belongs.
    let number = call_with(&server, server.signed(7u64)).await;
    let bytes = call_with(&server, server.signed(vec![0xffu8, 0xfe])).await;
    for status in [number, bytes] {
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "session_id");
        assert!(
            status.message().starts_with("Please check: session_id cannot be decoded."),
            "{}",
            status.message()
        );
    }
}

#[tokio::test]
async fn a_handler_s_internal_error_stays_one() {
    let server = start(Platform::default());
    let status = server.client().mint_passport(MintPassportRequest::default()).await.err().unwrap();
    assert_eq!(status.code(), Code::Internal);
}

#[tokio::test]
async fn unknown_methods_are_unimplemented_for_those_who_are_signed_in() {
    let server = start(Platform::default());
    let mut grpc = tonic::client::Grpc::new(server.channel());
    for (request, code) in [
        (server.signed(EndSessionRequest::default()), Code::Unimplemented),
        (Request::new(EndSessionRequest::default()), Code::Unauthenticated),
    ] {
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<EndSessionRequest, EndSessionResponse>::default();
        let path = http::uri::PathAndQuery::from_static("/candor.accounts.v1.SessionService/Nothing");
        assert_eq!(grpc.unary(request, path, codec).await.err().unwrap().code(), code);
    }
}

#[tokio::test]
async fn a_panic_is_an_answer_and_leaves_the_other_calls_of_its_connection_alone() {
    let server = start(Platform::default());
    let mut client = server.client();
    let held = {
        let (mut client, request) = (client.clone(), server.ask("wait"));
        tokio::spawn(async move { client.end_session(request).await })
    };
    within(server.control.entered.acquire()).await.unwrap().forget();
    let status = client.end_session(server.ask("panic")).await.err().unwrap();
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(status.get_details_error_info().unwrap().reason, "INTERNAL");
    assert!(!status.message().contains("purpose"));
    server.control.release.add_permits(1);
    within(held).await.unwrap().unwrap();
    client.end_session(server.ask("nothing")).await.unwrap();
}

#[tokio::test]
async fn keys_come_from_accounts_over_grpc() {
    let accounts = start(Platform::default());
    let url = format!("http://{}", accounts.address);
    let other = start_with(Platform::default(), |clock| Keyring::remote(&url, clock));
    other.client().list_sessions(other.signed(ListSessionsRequest {})).await.unwrap();

    let nowhere = start_with(Platform::default(), |clock| Keyring::remote("http://127.0.0.1:1", clock));
    let status = nowhere.client().list_sessions(nowhere.signed(ListSessionsRequest {})).await.err().unwrap();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.get_details_retry_info().is_some());
}

#[tokio::test]
async fn reflection_shows_this_server_s_services_in_both_versions() {
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::{v1, v1alpha};
    let server = start(Platform::default());
    let list = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(server.channel());
    let stream = client.server_reflection_info(tokio_stream::once(list)).await;
    let answer = stream.unwrap().into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else { panic!("a list") };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    assert!(names.contains(&"candor.accounts.v1.SessionService".to_owned()), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("candor.journal")), "{names:?}");

    let list = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::ListServices(String::new()),
        ),
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(server.channel());
    let stream = client.server_reflection_info(tokio_stream::once(list)).await;
    assert!(stream.unwrap().into_inner().message().await.unwrap().is_some());
}
