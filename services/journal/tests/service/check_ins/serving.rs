//! The whole service, over the network, left to itself at the opening moment.

use super::{OPENS, SCOPE, at, check_in_id, link, texts, words};
use crate::server::{PATIENCE, Server, private_key, serve};
use crate::stage::{passport, reason};
use bus::transport::Content;
use candor_proto::journal::v1::check_in_service_client::CheckInServiceClient;
use candor_proto::journal::v1::{CheckIn, CheckInRevealed, DataRead, GetCheckInRequest};
use chassis::identity::TokenSigner;
use chassis::identity::capability::{self, Opening};
use journal::domain::OpenTime;
use tonic::{Code, Status};
use uuid::Uuid;

async fn get(
    server: &Server,
    who: Uuid,
    owner: Uuid,
    check_in_id: Uuid,
    opening: Option<Opening>,
) -> Result<CheckIn, Status> {
    let message =
        GetCheckInRequest { check_in_id: check_in_id.to_string(), owner_account_id: owner.to_string() };
    let mut request = server.signed(who, message);
    if let Some(opening) = opening {
        let now = server.stage.clock.now();
        let mut reader = passport(who);
        reader.expires_at = now + capability::MAX_LIFETIME;
        let token = capability::Claims::new(&reader, &opening, now)
            .sign(&TokenSigner::new("k", &private_key()).unwrap())
            .unwrap();
        request.metadata_mut().insert(capability::HEADER, token.parse().unwrap());
    }
    let answer = CheckInServiceClient::new(server.channel.clone()).get_check_in(request).await?;
    Ok(answer.into_inner().check_in.unwrap())
}

/// The next event of a kind that somebody else hears of.
async fn heard<E: prost::Message + prost::Name + Default>(server: &Server) -> E {
    let mut watching = server.transport.subscribe("watcher", &journal::events::emits()).unwrap();
    loop {
        let told = tokio::time::timeout(PATIENCE, watching.next()).await.unwrap();
        let Content::Event(envelope) = &told.content else { panic!("an event") };
        let event = (envelope.key == bus::key_of::<E>()).then(|| E::decode(envelope.body.clone()).unwrap());
        told.ack().await;
        if let Some(event) = event {
            return event;
        }
    }
}

#[tokio::test]
async fn a_check_in_opens_by_itself_and_is_read_with_the_partners_opening() {
    let server = serve().await;
    let (ada, ben, schedule_id) = (server.stage.member(), server.stage.member(), server.stage.ids.next());
    let relation_id = link(&server.stage, ada, ben).await;
    for (who, text) in [(ada, "of ada"), (ben, "of ben")] {
        let request = server.signed(who, words(schedule_id, at(OPENS), text));
        CheckInServiceClient::new(server.channel.clone()).answer_check_in(request).await.unwrap();
    }
    server.stage.clock.set(at(OPENS));
    let id = check_in_id(schedule_id, OpenTime::kept(at(OPENS)).unwrap());
    assert_eq!(heard::<CheckInRevealed>(&server).await.check_in_id, id.to_string());

    let without = get(&server, ada, ben, id, None).await.err().unwrap();
    assert_eq!((without.code(), reason(&without)), (Code::PermissionDenied, "CAPABILITY_REQUIRED".into()));
    let receipt_id = server.stage.ids.next();
    let opening =
        Opening { owner_id: ben, relation_id, scope: SCOPE, item_id: Some(id), epoch: 0, receipt_id };
    let open = get(&server, ada, ben, id, Some(opening)).await.unwrap();
    assert!(texts(&open.own_replies) == ["of ada"] && texts(&open.partner_replies) == ["of ben"]);
    assert_eq!(heard::<DataRead>(&server).await.receipt_id, receipt_id.to_string());
    server.stop().await;
}
