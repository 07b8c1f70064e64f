//! The whole way: over the network, with what accounts signed, and with events as they arrive.

use crate::server::{Server, private_key, serve};
use crate::stage::{entry, passport};
use bus::Envelope;
use candor_proto::accounts::v1::{AccessEpochRaised, CoupleLinked};
use candor_proto::journal::v1::share_service_client::ShareServiceClient;
use candor_proto::journal::v1::{GetReceivedShareRequest, Selection, ShareItemRequest};
use chassis::identity::TokenSigner;
use chassis::identity::capability::{Claims, HEADER, Opening};
use tonic::{Code, Request};
use uuid::Uuid;

impl Server {
    /// A signed request with a capability for `opened_to` beside it.
    fn opened<T>(&self, who: Uuid, opened_to: Uuid, opening: &Opening, message: T) -> Request<T> {
        let claims = Claims::new(&passport(opened_to), opening, self.stage.clock.now());
        let mut request = self.signed(who, message);
        let token = claims.sign(&TokenSigner::new("k", &private_key()).unwrap()).unwrap();
        request.metadata_mut().insert(HEADER, token.parse().unwrap());
        request
    }

    /// Delivers an event of another service; returns when it is handled.
    async fn tell<E: prost::Message + prost::Name>(&self, about: Uuid, event: &E) {
        let envelope = Envelope::new(self.stage.ids.next(), self.stage.clock.now(), about, 1, event);
        self.transport.publish(&envelope).await.unwrap();
    }
}

#[tokio::test]
async fn anothers_share_is_read_with_what_accounts_signed_until_accounts_says_otherwise() {
    let server = serve().await;
    let (ada, ben, couple_id) = (server.stage.member(), server.stage.member(), server.stage.ids.next());
    let linked = CoupleLinked {
        couple_id: couple_id.to_string(),
        first_account_id: ada.min(ben).to_string(),
        second_account_id: ada.max(ben).to_string(),
        link_time: None,
    };
    server.tell(couple_id, &linked).await;
    let entry_id = server.stage.ids.next();
    server.stage.write(ada, entry(entry_id, "of ada")).await.unwrap();
    let selection = Selection { kind: 1, item_id: entry_id.to_string(), depth: 4, ..Default::default() };
    let wanted = ShareItemRequest {
        recipient_account_id: ben.to_string(),
        selection: Some(selection),
        open_now: true,
        ..Default::default()
    };
    let mut shares = ShareServiceClient::new(server.channel.clone());
    let made = shares.share_item(server.signed(ada, wanted)).await.unwrap().into_inner().share.unwrap();

    let message =
        GetReceivedShareRequest { owner_account_id: ada.to_string(), share_id: made.share_id.clone() };
    let opening = Opening {
        owner_id: ada,
        relation_id: couple_id,
        scope: 1,
        item_id: Some(made.share_id.parse().unwrap()),
        epoch: 0,
        receipt_id: server.stage.ids.next(),
    };
    let read = shares.get_received_share(server.opened(ben, ben, &opening, message.clone())).await.unwrap();
    assert_eq!(read.into_inner().rendering.unwrap().body, "of ada");
    let bare = server.signed(ben, message.clone());
    let of_somebody_else = server.opened(ben, server.stage.member(), &opening, message.clone());
    for wrong in [bare, of_somebody_else] {
        assert_eq!(shares.get_received_share(wrong).await.err().unwrap().code(), Code::PermissionDenied);
    }

    let raised =
        AccessEpochRaised { owner_account_id: ada.to_string(), reader_account_id: ben.to_string(), epoch: 1 };
    server.tell(server.stage.ids.next(), &raised).await;
    let late = shares.get_received_share(server.opened(ben, ben, &opening, message)).await.err().unwrap();
    assert_eq!(late.code(), Code::NotFound);
    server.stop().await;
}
