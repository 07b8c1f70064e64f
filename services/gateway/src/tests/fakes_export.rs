//! Fakes of what only an export reads, and what can happen while one is put together.

use super::fakes::Fake;
use candor_proto::journal::v1::mood_service_server::{MoodService, MoodServiceServer};
use candor_proto::journal::v1::*;
use candor_proto::reminders::v1::schedule_service_server::{ScheduleService, ScheduleServiceServer};
use candor_proto::reminders::v1::*;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

/// What happens when the moods are read, which is in the middle of it.
#[derive(Default, Clone, Copy)]
pub(super) enum Event {
    #[default]
    Nothing,
    /// The journal goes away.
    Away,
    /// The export is called off.
    CalledOff,
    /// It is called off and asked for anew.
    Another,
    /// The session ends.
    SignedOut,
    /// The journal takes its time.
    Slow,
}

/// What is to happen.
#[derive(Default)]
pub(super) struct Midway(pub(super) Mutex<Event>);

pub(super) fn add(server: Router, fake: Fake) -> Router {
    server.add_service(MoodServiceServer::new(fake.clone())).add_service(ScheduleServiceServer::new(fake))
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl MoodService for Fake {
    async fn record_mood(&self, _: Request<RecordMoodRequest>) -> Answer<RecordMoodResponse> {
        Err(Status::unimplemented("nobody records a mood here"))
    }

    async fn list_moods(&self, request: Request<ListMoodsRequest>) -> Answer<ListMoodsResponse> {
        self.admit(&request)?;
        let event = *self.0.export.0.lock().unwrap();
        if matches!(event, Event::Slow) {
            std::future::pending::<()>().await;
        }
        let mut export = self.0.privacy.export.lock().unwrap();
        match event {
            Event::Nothing | Event::Slow => {}
            Event::Away => return Err(Status::unavailable("away")),
            Event::CalledOff => *export = None,
            Event::Another => {
                if let Some(export) = export.as_mut() {
                    export.request_time = self.0.timestamp(1);
                }
            }
            Event::SignedOut => self.0.over.store(true, Ordering::SeqCst),
        }
        Ok(Response::new(ListMoodsResponse::default()))
    }
}

#[tonic::async_trait]
impl ScheduleService for Fake {
    async fn list_schedules(&self, request: Request<ListSchedulesRequest>) -> Answer<ListSchedulesResponse> {
        self.admit(&request)?;
        Ok(Response::new(ListSchedulesResponse::default()))
    }

    async fn cancel_schedule(&self, _: Request<CancelScheduleRequest>) -> Answer<CancelScheduleResponse> {
        Err(Status::unimplemented("nobody cancels a schedule here"))
    }
}
