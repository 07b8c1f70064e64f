//! Input nobody means well by.

use crate::kit::{House, PASSWORD};
use candor_proto::accounts::v1::{
    EndSessionRequest, GetMeRequest, ListSessionsRequest, RegisterRequest, SignInRequest,
    identity_service_server::IdentityService as _, session_service_server::SessionService as _,
};
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

fn good() -> RegisterRequest {
    RegisterRequest {
        email: "anna@example.org".into(),
        password: PASSWORD.into(),
        time_zone: "Europe/Berlin".into(),
        locale: "en".into(),
        adult: true,
        notices_by_mail: false,
        terms_version: 1,
        privacy_version: 1,
    }
}

#[tokio::test]
async fn a_registration_that_breaks_a_rule_names_the_field_and_stores_nothing() {
    let house = House::new().await;
    let huge = "\u{1f33f}".repeat(100_000);
    let cases: Vec<(&str, RegisterRequest)> = vec![
        ("email", RegisterRequest { email: String::new(), ..good() }),
        ("email", RegisterRequest { email: "anna\0@example.org".into(), ..good() }),
        ("email", RegisterRequest { email: "anna@example.org\r\nBcc: all@example.org".into(), ..good() }),
        ("email", RegisterRequest { email: "'; DROP TABLE account; --".into(), ..good() }),
        ("email", RegisterRequest { email: huge.clone(), ..good() }),
        ("password", RegisterRequest { password: "too short".into(), ..good() }),
        ("password", RegisterRequest { password: "\u{1f33f}".repeat(14), ..good() }),
        ("password", RegisterRequest { password: format!("{PASSWORD}\0"), ..good() }),
        ("password", RegisterRequest { password: huge.clone(), ..good() }),
        ("time_zone", RegisterRequest { time_zone: "../../etc/passwd".into(), ..good() }),
        ("time_zone", RegisterRequest { time_zone: huge, ..good() }),
        ("locale", RegisterRequest { locale: "<script>".into(), ..good() }),
        ("adult", RegisterRequest { adult: false, ..good() }),
        ("terms_version", RegisterRequest { terms_version: 0, ..good() }),
        ("privacy_version", RegisterRequest { privacy_version: -1, ..good() }),
    ];
    let runs = house.accounts.hashing.runs();
    for (field, message) in cases {
        let status = house.rpc.register(Request::new(message)).await.err().unwrap();
        assert_eq!(status.code(), Code::InvalidArgument, "{field}");
        let details = status.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, field);
        assert!(!status.message().contains("DROP") && !status.message().contains("script"));
    }
    assert_eq!((house.count("address_request").await, house.accounts.hashing.runs()), (0, runs));
    house.rpc.register(Request::new(good())).await.unwrap();
}

#[tokio::test]
async fn every_script_is_welcome_in_a_password_and_its_spellings_are_one() {
    let house = House::new().await;
    house.join("anna@b\u{fc}cher.example", "gr\u{fc}ner tee am fr\u{fc}hen morgen").await;
    let decomposed = "gru\u{308}ner tee am fru\u{308}hen morgen";
    house.sign_in("ANNA@bu\u{308}cher.example", decomposed).await.unwrap();
    house.sign_in("anna@xn--bcher-kva.example", decomposed).await.unwrap();
}

#[tokio::test]
async fn tokens_and_secrets_that_never_were_get_nowhere() {
    let house = House::new().await;
    house.join("anna@example.org", PASSWORD).await;
    let session = house.sign_in("anna@example.org", PASSWORD).await.unwrap();
    let altered = format!("{}A", &session.session_secret[..session.session_secret.len() - 1]);
    let long = "cs_".repeat(42);
    for secret in ["x", "cs_", "cv_", &altered, &long, &session.passport[..100], &session.session_id] {
        if *secret == session.session_secret {
            continue;
        }
        assert_eq!(house.mint(secret).await.err().unwrap().code(), Code::Unauthenticated, "{secret}");
    }
    for (secret, code) in [("", Code::InvalidArgument), ("cs_\0", Code::InvalidArgument)] {
        assert_eq!(house.mint(secret).await.err().unwrap().code(), code);
    }
    for token in ["x", "cv_", &session.session_secret] {
        assert_eq!(house.verify(token).await.err().unwrap().code(), Code::NotFound, "{token}");
    }
    assert_eq!(house.verify(&"x".repeat(1000)).await.err().unwrap().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn without_a_passport_nothing_of_ones_own_is_shown() {
    let house = House::new().await;
    let code = |status: tonic::Status| status.code();
    let me = house.rpc.get_me(Request::new(GetMeRequest {})).await.map(drop).map_err(code);
    let list = house.rpc.list_sessions(Request::new(ListSessionsRequest {})).await.map(drop).map_err(code);
    let end = EndSessionRequest { session_id: "01890000-0000-7000-8000-000000000000".into() };
    let end = house.rpc.end_session(Request::new(end)).await.map(drop).map_err(code);
    assert_eq!([me, list, end], [Err(Code::Unauthenticated); 3]);
}

#[tokio::test]
async fn a_label_is_one_line() {
    let house = House::new().await;
    house.join("anna@example.org", PASSWORD).await;
    for label in ["a\nb", "\u{7}", &"x".repeat(81)] {
        let message = SignInRequest {
            email: "anna@example.org".into(),
            password: PASSWORD.into(),
            device_label: label.to_owned(),
            ..SignInRequest::default()
        };
        assert_eq!(
            house.rpc.sign_in(Request::new(message)).await.err().unwrap().code(),
            Code::InvalidArgument
        );
    }
}
