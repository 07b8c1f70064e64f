//! A fake of what is about one's own data.

use super::fakes::{Fake, Fakes};
use candor_proto::accounts::v1::privacy_service_server::{PrivacyService, PrivacyServiceServer};
use candor_proto::accounts::v1::*;
use chassis::{Code, Fault};
use std::sync::Mutex;
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

pub(super) const CODE: &str = "ce_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// What it remembers: the erasure that waits.
#[derive(Default)]
pub(super) struct Privacy {
    pub(super) waiting: Mutex<Option<Erasure>>,
    /// The export, and whether it is open.
    pub(super) export: Mutex<Option<Export>>,
}

pub(super) fn add(server: Router, fake: Fake) -> Router {
    server.add_service(PrivacyServiceServer::new(fake))
}

type Answer<T> = Result<Response<T>, Status>;

fn erasure(fakes: &Fakes, mail_certificate: bool) -> Erasure {
    let (request_time, begin_time) = (fakes.timestamp(0), fakes.timestamp(7 * 24 * 3600));
    Erasure { request_time, begin_time, mail_certificate }
}

#[tonic::async_trait]
impl PrivacyService for Fake {
    async fn request_erasure(
        &self,
        request: Request<RequestErasureRequest>,
    ) -> Answer<RequestErasureResponse> {
        self.admit_proven(&request)?;
        let asked = erasure(&self.0, request.get_ref().mail_certificate);
        *self.0.privacy.waiting.lock().unwrap() = Some(asked);
        Ok(Response::new(RequestErasureResponse { erasure: Some(asked), certificate_code: CODE.into() }))
    }

    async fn cancel_erasure(&self, request: Request<CancelErasureRequest>) -> Answer<CancelErasureResponse> {
        self.admit(&request)?;
        *self.0.privacy.waiting.lock().unwrap() = None;
        Ok(Response::new(CancelErasureResponse {}))
    }

    async fn get_erasure(&self, request: Request<GetErasureRequest>) -> Answer<GetErasureResponse> {
        self.admit(&request)?;
        Ok(Response::new(GetErasureResponse { erasure: *self.0.privacy.waiting.lock().unwrap() }))
    }

    async fn request_export(&self, request: Request<RequestExportRequest>) -> Answer<RequestExportResponse> {
        self.admit_proven(&request)?;
        let export = Export {
            request_time: self.0.timestamp(0),
            open_time: self.0.timestamp(24 * 3600),
            expire_time: self.0.timestamp(8 * 24 * 3600),
            take_count: 0,
        };
        *self.0.privacy.export.lock().unwrap() = Some(export);
        Ok(Response::new(RequestExportResponse { export: Some(export) }))
    }

    async fn cancel_export(&self, request: Request<CancelExportRequest>) -> Answer<CancelExportResponse> {
        self.admit(&request)?;
        *self.0.privacy.export.lock().unwrap() = None;
        Ok(Response::new(CancelExportResponse {}))
    }

    async fn get_export(&self, request: Request<GetExportRequest>) -> Answer<GetExportResponse> {
        self.admit(&request)?;
        Ok(Response::new(GetExportResponse { export: *self.0.privacy.export.lock().unwrap() }))
    }

    async fn take_export(&self, request: Request<TakeExportRequest>) -> Answer<TakeExportResponse> {
        self.admit_proven(&request)?;
        let mut export = self.0.privacy.export.lock().unwrap();
        let now = self.0.timestamp(0);
        match export
            .as_mut()
            .filter(|export| export.open_time.map(|at| at.seconds) <= now.map(|at| at.seconds))
        {
            None => Err(Fault::new(Code::FailedPrecondition, "EXPORT_NOT_OPEN", "It opens later.").into()),
            Some(export) => {
                export.take_count += 1;
                Ok(Response::new(TakeExportResponse { export: Some(*export) }))
            }
        }
    }

    async fn list_ties(&self, request: Request<ListTiesRequest>) -> Answer<ListTiesResponse> {
        self.admit(&request)?;
        Ok(Response::new(ListTiesResponse::default()))
    }

    async fn get_erasure_certificate(
        &self,
        request: Request<GetErasureCertificateRequest>,
    ) -> Answer<GetErasureCertificateResponse> {
        if request.get_ref().code != CODE {
            return Err(Fault::new(
                Code::NotFound,
                "CERTIFICATE_NOT_FOUND",
                "There is no erasure with this code.",
            )
            .into());
        }
        let destroyed =
            ErasedClass { service: "journal".into(), class: "check_in_answers".into(), count: 12 };
        Ok(Response::new(GetErasureCertificateResponse {
            state: ErasureState::Done.into(),
            begin_time: self.0.timestamp(-600),
            finish_time: self.0.timestamp(-300),
            backups_end_time: self.0.timestamp(7 * 24 * 3600),
            destroyed: vec![destroyed],
            certificate: r#"{"certificate":"candor.erasure.v1"}"#.into(),
            signature: "c2lnbmF0dXJl".into(),
            public_key: "a2V5".into(),
            ..Default::default()
        }))
    }
}
