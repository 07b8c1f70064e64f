//! One's own schedules and inbox: in pages, and nobody else's.

use crate::stage::{DUE, Stage};
use candor_proto::reminders::v1 as proto;
use candor_proto::reminders::v1::inbox_service_server::InboxService as _;
use candor_proto::reminders::v1::schedule_service_server::ScheduleService as _;
use tonic::{Code, Request};

#[tokio::test]
async fn what_belongs_to_another_does_not_exist() {
    let stage = Stage::new().await;
    let (owner, other) = (stage.ids.next(), stage.ids.next());
    stage.plan(owner, stage.ids.next(), 0).await;
    stage.plan(owner, stage.ids.next(), 1).await;
    let schedules = stage.schedules(owner).await;
    stage.clock.set(DUE.parse().unwrap());
    stage.firing().fire_batch().await.unwrap();
    let item = stage.inbox(owner).await.remove(0).inbox_item_id;
    assert!(stage.schedules(other).await.is_empty() && stage.inbox(other).await.is_empty());

    let unknown = stage.ids.next().to_string();
    let foreign = [
        stage.cancel(other, &schedules[1].schedule_id).await.unwrap_err(),
        stage.cancel(other, &unknown).await.unwrap_err(),
    ];
    assert!(foreign.iter().all(|status| status.code() == Code::NotFound));
    assert_eq!(foreign[0].message(), foreign[1].message());
    let foreign = [
        stage.mark_read(other, &item).await.unwrap_err(),
        stage.mark_read(other, &unknown).await.unwrap_err(),
    ];
    assert!(foreign.iter().all(|status| status.code() == Code::NotFound));
    assert_eq!(foreign[0].message(), foreign[1].message());

    assert_eq!(stage.schedules(owner).await.len(), 1, "it is still planned");
    assert!(!stage.inbox(owner).await[0].read);
    stage.mark_read(owner, &item).await.unwrap();
    stage.mark_read(owner, &item).await.unwrap();
    assert!(stage.inbox(owner).await[0].read);
}

#[tokio::test]
async fn without_a_passport_nothing_is_answered() {
    let stage = Stage::new().await;
    let rpc = stage.rpc();
    let codes = [
        rpc.list_schedules(Request::new(proto::ListSchedulesRequest::default()))
            .await
            .err()
            .map(|s| s.code()),
        rpc.cancel_schedule(Request::new(proto::CancelScheduleRequest::default()))
            .await
            .err()
            .map(|s| s.code()),
        rpc.list_inbox_items(Request::new(proto::ListInboxItemsRequest::default()))
            .await
            .err()
            .map(|s| s.code()),
        rpc.mark_inbox_item_read(Request::new(proto::MarkInboxItemReadRequest::default()))
            .await
            .err()
            .map(|s| s.code()),
    ];
    assert!(codes.iter().all(|code| *code == Some(Code::Unauthenticated)));
}

#[tokio::test]
async fn pages_hold_everything_once_in_order_while_more_is_planned() {
    let stage = Stage::new().await;
    let account = stage.ids.next();
    for day in 0..25 {
        stage.plan(account, stage.ids.next(), day).await;
    }
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = proto::ListSchedulesRequest { page_size: 10, page_token };
        let page = stage.rpc().list_schedules(stage.request(account, message)).await.unwrap().into_inner();
        found.extend(page.schedules.into_iter().map(|schedule| schedule.due_time.unwrap().seconds));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        // Planned behind the reader's back: what was read stays as it was.
        stage.plan(account, stage.ids.next(), -(found.len() as i64)).await;
    }
    assert_eq!(found.len(), 25);
    assert!(found.is_sorted());

    stage.clock.set("2030-01-01T00:00:00Z".parse().unwrap());
    stage.firing().fire_batch().await.unwrap();
    let message = |page_size, page_token: &str| proto::ListInboxItemsRequest {
        page_size,
        page_token: page_token.into(),
    };
    let first =
        stage.rpc().list_inbox_items(stage.request(account, message(20, ""))).await.unwrap().into_inner();
    let rest = message(20, &first.next_page_token);
    let rest = stage.rpc().list_inbox_items(stage.request(account, rest)).await.unwrap().into_inner();
    let mut ids: Vec<_> = first.items.into_iter().chain(rest.items).map(|item| item.inbox_item_id).collect();
    assert!(ids.len() == 27 && rest.next_page_token.is_empty());
    assert!(ids.is_sorted_by(|newer, older| newer > older), "newest first");
    ids.dedup();
    assert_eq!(ids.len(), 27);
}

#[tokio::test]
async fn a_page_token_from_elsewhere_is_refused_by_name() {
    let stage = Stage::new().await;
    let account = stage.ids.next();
    stage.plan(account, stage.ids.next(), 0).await;
    stage.plan(account, stage.ids.next(), 1).await;
    let message = proto::ListSchedulesRequest { page_size: 1, page_token: String::new() };
    let page = stage.rpc().list_schedules(stage.request(account, message)).await.unwrap().into_inner();
    let before_all_time = format!("Ag{}", "gAAAAAAAAAA".repeat(3)); // right length, no time
    for page_token in [&page.next_page_token, "!", "AAAA", "Ag", &before_all_time[..34], &"A".repeat(256)] {
        let message = proto::ListInboxItemsRequest { page_size: 1, page_token: page_token.into() };
        let status = stage.rpc().list_inbox_items(stage.request(account, message)).await.err().unwrap();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains("page_token"), "{}", status.message());
    }
    let message = proto::ListInboxItemsRequest { page_size: 101, page_token: String::new() };
    let status = stage.rpc().list_inbox_items(stage.request(account, message)).await.err().unwrap();
    assert!(status.code() == Code::InvalidArgument && status.message().contains("page_size"));
}
