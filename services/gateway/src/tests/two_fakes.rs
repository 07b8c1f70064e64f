//! Fake services of what two people have: Alice, who is linked with Ben, whose name is hostile.

use super::fakes::{ALICE, ENTRY, Fake};
use candor_proto::accounts::v1::circle_service_server::{CircleService, CircleServiceServer};
use candor_proto::accounts::v1::couple_service_server::{CoupleService, CoupleServiceServer};
use candor_proto::accounts::v1::ledger_service_server::{LedgerService, LedgerServiceServer};
use candor_proto::accounts::v1::*;
use candor_proto::journal::v1::share_service_server::{ShareService, ShareServiceServer};
use candor_proto::journal::v1::*;
use candor_proto::options::v1::Scope;
use chassis::{Code, Fault};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

pub(super) const BEN: &str = "0195f1c2-7f00-7000-8000-0000000000b2";
/// Of the one whose invitations do not reach Alice.
pub(super) const PAUSE: &str = "7c3cd512-4b7f-4eaf-8f7f-5d8f9e3b2c64";
pub(super) const CODE: &str = "AAAAA-BBBBB-CCCCC-DDDDD";
/// Ben's share, which is open to Alice.
pub(super) const THEIRS: &str = "0195f1c2-7f00-7000-8000-0000000000c3";
/// Alice's share, which Ben answered.
pub(super) const MINE: &str = "0195f1c2-7f00-7000-8000-0000000000d4";
/// In Alice's circle, and Alice in hers.
pub(super) const CLARA: &str = "0195f1c2-7f00-7000-8000-0000000000c7";
pub(super) const CIRCLE: &str = "5a1ab3f0-2f5e-4c8e-9d5e-3b6d7c1f0a42";
pub(super) const PLACE: &str = "6b2bc401-3a6f-4d9f-8e6f-4c7e8d2a1b53";
pub(super) const HOSTILE_NAME: &str = "<b>Ben</b> \"&'";
pub(super) const HOSTILE_TEXT: &str =
    "*soft* words <img src=x onerror=alert(1)> [tap](javascript:alert(1)) [out](/sign-out)";

/// What was asked of these fakes.
#[derive(Default)]
pub(super) struct Two {
    pub(super) parted: AtomicBool,
    /// In how many hours the link ends; 0 where that is not planned.
    pub(super) leaves_in: AtomicI32,
    /// Ben took his share back.
    pub(super) closed: AtomicBool,
    pub(super) opened: Mutex<Vec<OpenAccessRequest>>,
    /// The capability of each call that can read of another person.
    pub(super) brought: Mutex<Vec<Option<String>>>,
    pub(super) invited: Mutex<Vec<String>>,
    /// Whether Clara is in Alice's circle, and Alice in hers.
    pub(super) trusted: AtomicBool,
    /// What was done with the circle.
    pub(super) circle: Mutex<Vec<String>>,
    /// What codes are for.
    pub(super) to_circle: AtomicBool,
    pub(super) accepted: Mutex<Vec<AcceptInvitationRequest>>,
    /// What was said to invitations without accepting them.
    pub(super) said: Mutex<Vec<String>>,
    pub(super) previewed: Mutex<Vec<Selection>>,
    pub(super) shared: Mutex<Vec<ShareItemRequest>>,
    pub(super) withdrawn: Mutex<Vec<String>>,
    pub(super) rated: Mutex<Vec<i32>>,
    pub(super) answered: Mutex<Vec<String>>,
    pub(super) told: Mutex<Vec<String>>,
    /// Alice's shares in place of the usual one, newest first.
    pub(super) shares: Mutex<Option<Vec<Share>>>,
}

pub(super) type Answer<T> = Result<Response<T>, Status>;

/// Serves these fakes as well.
pub(super) fn add(router: Router, fake: Fake) -> Router {
    router
        .add_service(CoupleServiceServer::new(fake.clone()))
        .add_service(CircleServiceServer::new(fake.clone()))
        .add_service(LedgerServiceServer::new(fake.clone()))
        .add_service(ShareServiceServer::new(fake))
}

pub(super) fn nothing(reason: &'static str, sentence: &'static str) -> Status {
    Fault::new(Code::NotFound, reason, sentence).into()
}

pub(super) fn checked<T: candor_proto::Validate>(message: &T) -> Result<(), Status> {
    let violations = message.violations();
    if violations.is_empty() { Ok(()) } else { Err(Fault::invalid(violations).into()) }
}

impl Fake {
    pub(super) fn two(&self) -> &Two {
        &self.0.two
    }

    pub(super) fn is_linked(&self) -> bool {
        !self.two().parted.load(Ordering::SeqCst)
    }

    pub(super) fn is_trusted(&self) -> bool {
        self.two().trusted.load(Ordering::SeqCst)
    }

    fn done<T>(&self, request: &Request<T>, what: String) -> Result<(), Status> {
        self.admit(request)?;
        self.two().circle.lock().unwrap().push(what);
        Ok(())
    }

    /// Admits a call about what is the owner's: with what accounts gave out last, or about oneself.
    pub(super) fn admit_reader<T>(&self, request: &Request<T>, owner: &str) -> Result<(), Status> {
        self.admit(request)?;
        let brought = request.metadata().get("candor-capability");
        let brought = brought.map(|value| value.to_str().unwrap().to_owned());
        self.two().brought.lock().unwrap().push(brought.clone());
        if owner == ALICE || brought.is_some_and(|capability| capability.starts_with("capability-")) {
            return Ok(());
        }
        Err(Fault::new(Code::PermissionDenied, "CAPABILITY_REQUIRED", "Ask OpenAccess first.").into())
    }

    fn planned(&self) -> Option<prost_types::Timestamp> {
        let hours = self.two().leaves_in.load(Ordering::SeqCst);
        if hours > 0 { self.0.timestamp(i64::from(hours) * 3600) } else { None }
    }

    fn couple(&self) -> Option<Couple> {
        self.is_linked().then(|| Couple {
            couple_id: "0195f1c2-7f00-7000-8000-0000000000e5".into(),
            partner_account_id: BEN.into(),
            partner_name: HOSTILE_NAME.into(),
            own_name: "Alice".into(),
            link_time: self.0.timestamp(-86_400),
            planned_unlink_time: self.planned(),
        })
    }

    fn rendering(&self) -> Rendering {
        Rendering {
            kind: ShareKind::Entry.into(),
            depth: ShareDepth::Excerpt.into(),
            words: "before <i>it</i>".into(),
            body: HOSTILE_TEXT.into(),
            entry_time: self.0.timestamp(0),
            time_zone: "Europe/Berlin".into(),
            ..Rendering::default()
        }
    }

    pub(super) fn share(&self) -> Share {
        Share {
            share_id: MINE.into(),
            recipient_account_id: BEN.into(),
            item_id: ENTRY.into(),
            rendering: Some(self.rendering()),
            wished_response: WishedResponse::Listen.into(),
            state: if self.is_linked() { ShareState::Open } else { ShareState::Ended }.into(),
            create_time: self.0.timestamp(-7200),
            open_time: self.0.timestamp(-3600),
            expire_time: self.0.timestamp(86_400),
            told_read_time: self.0.timestamp(-60),
            answered: true,
            felt_understood: 4,
        }
    }

    fn received(&self) -> ReceivedShare {
        ReceivedShare {
            share_id: THEIRS.into(),
            owner_account_id: BEN.into(),
            kind: ShareKind::Entry.into(),
            depth: ShareDepth::Excerpt.into(),
            wished_response: WishedResponse::Comfort.into(),
            open_time: self.0.timestamp(-3600),
            expire_time: self.0.timestamp(86_400),
            ..ReceivedShare::default()
        }
    }

    fn is_theirs(&self, share_id: &str) -> Result<(), Status> {
        if share_id == THEIRS && !self.two().closed.load(Ordering::SeqCst) {
            return Ok(());
        }
        Err(nothing("SHARE_NOT_FOUND", "There is no such share."))
    }
}

#[tonic::async_trait]
impl CoupleService for Fake {
    async fn invite_partner(&self, request: Request<InvitePartnerRequest>) -> Answer<InvitePartnerResponse> {
        self.admit(&request)?;
        checked(request.get_ref())?;
        self.two().invited.lock().unwrap().push(request.into_inner().own_name);
        Ok(Response::new(InvitePartnerResponse {
            invitation_id: "0195f1c2-7f00-7000-8000-0000000000f6".into(),
            code: CODE.into(),
            link: format!("{}/invitation#{CODE}", super::ORIGIN),
            expire_time: self.0.timestamp(604_800),
        }))
    }

    async fn cancel_invitation(
        &self,
        request: Request<CancelInvitationRequest>,
    ) -> Answer<CancelInvitationResponse> {
        self.admit(&request)?;
        self.two().said.lock().unwrap().push("cancel".into());
        Ok(Response::new(CancelInvitationResponse {}))
    }

    async fn get_couple(&self, request: Request<GetCoupleRequest>) -> Answer<GetCoupleResponse> {
        self.answer()?;
        self.admit(&request)?;
        Ok(Response::new(GetCoupleResponse { couple: self.couple(), invitation: None }))
    }

    async fn preview_invitation(
        &self,
        request: Request<PreviewInvitationRequest>,
    ) -> Answer<PreviewInvitationResponse> {
        checked(request.get_ref())?;
        if request.get_ref().code != CODE {
            return Err(nothing("INVITATION_NOT_FOUND", "This invitation is not open."));
        }
        let (inviter_name, expire_time) = (HOSTILE_NAME.into(), self.0.timestamp(86_400));
        let kind = if self.two().to_circle.load(Ordering::SeqCst) { 2 } else { 1 };
        Ok(Response::new(PreviewInvitationResponse { inviter_name, expire_time, kind }))
    }

    async fn accept_invitation(
        &self,
        request: Request<AcceptInvitationRequest>,
    ) -> Answer<AcceptInvitationResponse> {
        self.admit(&request)?;
        checked(request.get_ref())?;
        if request.get_ref().code != CODE {
            return Err(nothing("INVITATION_NOT_FOUND", "This invitation is not open."));
        }
        self.two().accepted.lock().unwrap().push(request.into_inner());
        if self.two().to_circle.load(Ordering::SeqCst) {
            let place = Some(HostedPlace::default());
            return Ok(Response::new(AcceptInvitationResponse { couple: None, place }));
        }
        Ok(Response::new(AcceptInvitationResponse { couple: self.couple(), place: None }))
    }

    async fn decline_invitation(
        &self,
        request: Request<DeclineInvitationRequest>,
    ) -> Answer<DeclineInvitationResponse> {
        self.admit(&request)?;
        checked(request.get_ref())?;
        self.two().said.lock().unwrap().push(format!("decline {}", request.get_ref().code));
        Ok(Response::new(DeclineInvitationResponse {}))
    }

    async fn block_inviter(&self, request: Request<BlockInviterRequest>) -> Answer<BlockInviterResponse> {
        self.admit(&request)?;
        self.two().said.lock().unwrap().push(format!("block {}", request.get_ref().code));
        Ok(Response::new(BlockInviterResponse {}))
    }

    async fn report_invitation(
        &self,
        request: Request<ReportInvitationRequest>,
    ) -> Answer<ReportInvitationResponse> {
        checked(request.get_ref())?;
        let ReportInvitationRequest { code, reason, note } = request.into_inner();
        self.two().said.lock().unwrap().push(format!("report {code} {reason} {note}"));
        Ok(Response::new(ReportInvitationResponse {}))
    }

    async fn unlink_partner(&self, request: Request<UnlinkPartnerRequest>) -> Answer<UnlinkPartnerResponse> {
        self.admit(&request)?;
        let hours = request.get_ref().delay_hours;
        checked(request.get_ref())?;
        if hours > 0 {
            self.two().leaves_in.store(hours, Ordering::SeqCst);
            return Ok(Response::new(UnlinkPartnerResponse { planned_unlink_time: self.planned() }));
        }
        self.two().parted.store(true, Ordering::SeqCst);
        Ok(Response::new(UnlinkPartnerResponse { planned_unlink_time: None }))
    }

    async fn cancel_unlink(&self, request: Request<CancelUnlinkRequest>) -> Answer<CancelUnlinkResponse> {
        self.admit(&request)?;
        self.two().leaves_in.store(0, Ordering::SeqCst);
        Ok(Response::new(CancelUnlinkResponse {}))
    }

    async fn list_invitation_pauses(
        &self,
        request: Request<ListInvitationPausesRequest>,
    ) -> Answer<ListInvitationPausesResponse> {
        self.admit(&request)?;
        let pause = |cause: InvitationPauseCause, name: &str, ends| InvitationPause {
            pause_id: PAUSE.into(),
            name: name.into(),
            cause: cause.into(),
            create_time: self.0.timestamp(-3600),
            expire_time: ends,
        };
        let left = pause(InvitationPauseCause::Left, HOSTILE_NAME, self.0.timestamp(86_400));
        let blocked = pause(InvitationPauseCause::Blocked, "", None);
        let (pauses, next_page_token) = if request.get_ref().page_token.is_empty() {
            (vec![left, blocked], "a+b/c=".to_owned())
        } else {
            assert_eq!(request.get_ref().page_token, "a+b/c=");
            (vec![pause(InvitationPauseCause::Declined, "Otto", None)], String::new())
        };
        Ok(Response::new(ListInvitationPausesResponse { pauses, next_page_token }))
    }

    async fn lift_invitation_pause(
        &self,
        request: Request<LiftInvitationPauseRequest>,
    ) -> Answer<LiftInvitationPauseResponse> {
        self.admit(&request)?;
        checked(request.get_ref())?;
        self.two().said.lock().unwrap().push(format!("lift {}", request.get_ref().pause_id));
        Ok(Response::new(LiftInvitationPauseResponse {}))
    }
}

#[tonic::async_trait]
impl CircleService for Fake {
    async fn invite_trusted_person(
        &self,
        request: Request<InviteTrustedPersonRequest>,
    ) -> Answer<InviteTrustedPersonResponse> {
        checked(request.get_ref())?;
        let InviteTrustedPersonRequest { own_name, called, reason } = request.get_ref().clone();
        self.done(&request, format!("invite {called} as {own_name} because {reason}"))?;
        Ok(Response::new(InviteTrustedPersonResponse {
            invitation_id: CIRCLE.into(),
            code: CODE.into(),
            link: format!("{}/invitation#{CODE}", super::ORIGIN),
            expire_time: self.0.timestamp(604_800),
        }))
    }

    async fn get_circle(&self, request: Request<GetCircleRequest>) -> Answer<GetCircleResponse> {
        self.answer()?;
        self.admit(&request)?;
        if !self.is_trusted() {
            return Ok(Response::new(GetCircleResponse::default()));
        }
        let join_time = self.0.timestamp(-86_400);
        let person = TrustedPerson {
            circle_id: CIRCLE.into(),
            account_id: CLARA.into(),
            name: HOSTILE_NAME.into(),
            called: "Clara <i>it".into(),
            reason: HOSTILE_NAME.into(),
            join_time,
        };
        let invitation = CircleInvitation {
            invitation_id: CIRCLE.into(),
            called: HOSTILE_NAME.into(),
            expire_time: self.0.timestamp(3600),
        };
        let place = HostedPlace {
            circle_id: PLACE.into(),
            host_account_id: CLARA.into(),
            host_name: "Clara <i>it".into(),
            own_name: "Alice".into(),
            join_time,
        };
        let (people, invitations, places) = (vec![person], vec![invitation], vec![place]);
        Ok(Response::new(GetCircleResponse { people, invitations, places }))
    }

    async fn cancel_circle_invitation(
        &self,
        request: Request<CancelCircleInvitationRequest>,
    ) -> Answer<CancelCircleInvitationResponse> {
        self.done(&request, format!("cancel {}", request.get_ref().invitation_id))?;
        Ok(Response::new(CancelCircleInvitationResponse {}))
    }

    async fn update_trusted_person(
        &self,
        request: Request<UpdateTrustedPersonRequest>,
    ) -> Answer<UpdateTrustedPersonResponse> {
        checked(request.get_ref())?;
        let UpdateTrustedPersonRequest { circle_id, called, reason } = request.get_ref().clone();
        self.done(&request, format!("keep {circle_id} {called} {reason}"))?;
        Ok(Response::new(UpdateTrustedPersonResponse {}))
    }

    async fn remove_trusted_person(
        &self,
        request: Request<RemoveTrustedPersonRequest>,
    ) -> Answer<RemoveTrustedPersonResponse> {
        self.done(&request, format!("remove {}", request.get_ref().circle_id))?;
        Ok(Response::new(RemoveTrustedPersonResponse {}))
    }

    async fn leave_circle(&self, request: Request<LeaveCircleRequest>) -> Answer<LeaveCircleResponse> {
        self.done(&request, format!("leave {}", request.get_ref().circle_id))?;
        Ok(Response::new(LeaveCircleResponse {}))
    }
}

#[tonic::async_trait]
impl LedgerService for Fake {
    async fn list_receipts(&self, request: Request<ListReceiptsRequest>) -> Answer<ListReceiptsResponse> {
        self.admit(&request)?;
        let receipt = Receipt {
            receipt_id: "0195f1c2-7f00-7000-8000-0000000000a7".into(),
            reader_account_id: BEN.into(),
            relation: Relation::Partner.into(),
            scope: Scope::SharedItems.into(),
            item_ids: vec![MINE.into()],
            read_time: self.0.timestamp(-60),
            consent_id: String::new(),
        };
        let mut receipts = vec![receipt];
        receipts.extend(self.0.opened.receipts.lock().unwrap().clone());
        let next_page_token = if request.get_ref().page_token.is_empty() { "r+1" } else { "" }.into();
        Ok(Response::new(ListReceiptsResponse { receipts, next_page_token }))
    }

    async fn list_staff_looks(
        &self,
        request: Request<ListStaffLooksRequest>,
    ) -> Answer<ListStaffLooksResponse> {
        self.admit(&request)?;
        let support = StaffLook {
            look_id: MINE.into(),
            kind: StaffLookKind::Support.into(),
            look_time: self.0.timestamp(-60),
            role: StaffRole::Support.into(),
            ..StaffLook::default()
        };
        let ledger = StaffLook {
            kind: StaffLookKind::Ledger.into(),
            role: StaffRole::Operator.into(),
            reason: LedgerLookReason::Safety.into(),
            agreed: true,
            ..support.clone()
        };
        Ok(Response::new(ListStaffLooksResponse {
            looks: vec![support, ledger],
            next_page_token: String::new(),
        }))
    }
}

#[tonic::async_trait]
impl ShareService for Fake {
    async fn preview_share(&self, request: Request<PreviewShareRequest>) -> Answer<PreviewShareResponse> {
        self.admit(&request)?;
        checked(request.get_ref())?;
        let selection = request.into_inner().selection.unwrap();
        if selection.item_id != ENTRY && selection.kind() != ShareKind::SelfCheck {
            return Err(nothing("ITEM_NOT_FOUND", "There is no such thing."));
        }
        self.two().previewed.lock().unwrap().push(selection);
        Ok(Response::new(PreviewShareResponse { rendering: Some(self.rendering()) }))
    }

    async fn share_item(&self, request: Request<ShareItemRequest>) -> Answer<ShareItemResponse> {
        self.admit(&request)?;
        checked(request.get_ref())?;
        let request = request.into_inner();
        let share = Share {
            share_id: request.share_id.clone(),
            item_id: request.selection.clone().unwrap().item_id,
            ..Share::default()
        };
        let mut shared = self.two().shared.lock().unwrap();
        match shared.iter().find(|earlier| earlier.share_id == request.share_id) {
            Some(earlier) if *earlier != request => {
                return Err(Fault::new(Code::AlreadyExists, "SHARE_EXISTS", "It was shared before.").into());
            }
            Some(_) => {}
            None => shared.push(request),
        }
        Ok(Response::new(ShareItemResponse { share: Some(share) }))
    }

    /// Two on a page, however many are asked for.
    async fn list_shares(&self, request: Request<ListSharesRequest>) -> Answer<ListSharesResponse> {
        self.admit(&request)?;
        let request = request.into_inner();
        let mut shares = self.two().shares.lock().unwrap().clone().unwrap_or_else(|| vec![self.share()]);
        shares.retain(|one| {
            !request.open_only || matches!(one.state(), ShareState::Waiting | ShareState::Open)
        });
        let start = request.page_token.parse().unwrap_or(0);
        let size = usize::try_from(request.page_size).unwrap().clamp(1, 2);
        let next = start + size;
        let next_page_token = if next < shares.len() { next.to_string() } else { String::new() };
        let shares = shares.into_iter().skip(start).take(size).collect();
        Ok(Response::new(ListSharesResponse { shares, next_page_token }))
    }

    async fn get_share(&self, request: Request<GetShareRequest>) -> Answer<GetShareResponse> {
        self.admit(&request)?;
        if request.get_ref().share_id != MINE {
            return Err(nothing("SHARE_NOT_FOUND", "There is no such share."));
        }
        Ok(Response::new(GetShareResponse { share: Some(self.share()) }))
    }

    async fn withdraw_share(&self, request: Request<WithdrawShareRequest>) -> Answer<WithdrawShareResponse> {
        self.admit(&request)?;
        if request.get_ref().share_id != MINE {
            return Err(nothing("SHARE_NOT_FOUND", "There is no such share."));
        }
        self.two().withdrawn.lock().unwrap().push(request.into_inner().share_id);
        Ok(Response::new(WithdrawShareResponse {}))
    }

    async fn rate_felt_understood(
        &self,
        request: Request<RateFeltUnderstoodRequest>,
    ) -> Answer<RateFeltUnderstoodResponse> {
        self.admit(&request)?;
        self.two().rated.lock().unwrap().push(request.into_inner().felt_understood);
        Ok(Response::new(RateFeltUnderstoodResponse {}))
    }

    async fn list_received_shares(
        &self,
        request: Request<ListReceivedSharesRequest>,
    ) -> Answer<ListReceivedSharesResponse> {
        self.admit_reader(&request, &request.get_ref().owner_account_id)?;
        let (shares, next_page_token) = (vec![self.received()], String::new());
        Ok(Response::new(ListReceivedSharesResponse { shares, next_page_token }))
    }

    async fn get_received_share(
        &self,
        request: Request<GetReceivedShareRequest>,
    ) -> Answer<GetReceivedShareResponse> {
        self.admit_reader(&request, &request.get_ref().owner_account_id)?;
        checked(request.get_ref())?;
        self.is_theirs(&request.get_ref().share_id)?;
        let starter = AnswerStarter { step: AnswerStep::Reflect.into(), text: "What I hear is".into() };
        Ok(Response::new(GetReceivedShareResponse {
            share: Some(self.received()),
            rendering: Some(self.rendering()),
            starters: vec![starter],
        }))
    }

    async fn answer_share(&self, request: Request<AnswerShareRequest>) -> Answer<AnswerShareResponse> {
        self.admit_reader(&request, &request.get_ref().owner_account_id)?;
        checked(request.get_ref())?;
        self.is_theirs(&request.get_ref().share_id)?;
        self.two().answered.lock().unwrap().push(request.into_inner().body);
        Ok(Response::new(AnswerShareResponse::default()))
    }

    async fn tell_read(&self, request: Request<TellReadRequest>) -> Answer<TellReadResponse> {
        self.admit_reader(&request, &request.get_ref().owner_account_id)?;
        self.two().told.lock().unwrap().push(request.into_inner().share_id);
        Ok(Response::new(TellReadResponse {}))
    }

    async fn get_share_answer(
        &self,
        request: Request<GetShareAnswerRequest>,
    ) -> Answer<GetShareAnswerResponse> {
        self.admit_reader(&request, &request.get_ref().owner_account_id)?;
        let answer = ShareAnswer { body: HOSTILE_TEXT.into(), ..ShareAnswer::default() };
        Ok(Response::new(GetShareAnswerResponse { answer: Some(answer) }))
    }

    async fn list_own_answers(
        &self,
        request: Request<ListOwnAnswersRequest>,
    ) -> Answer<ListOwnAnswersResponse> {
        self.admit(&request)?;
        let answer = ShareAnswer { body: HOSTILE_TEXT.into(), ..ShareAnswer::default() };
        Ok(Response::new(ListOwnAnswersResponse { answers: vec![answer], next_page_token: String::new() }))
    }
}
