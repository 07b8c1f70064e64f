//! The use cases of accounts. What changes the database does so in the caller's transaction; what hashes,
//! asks the vault or signs does so outside of any.

mod acceptance;
mod access;
mod announce;
pub mod audit;
pub mod care;
mod circle;
pub mod clients;
pub mod consent;
pub mod counselor;
mod couple;
pub mod couple_care;
mod device;
mod email_change;
mod erasure;
mod export;
mod factor;
mod hashing;
mod house;
mod invitation;
mod ledger;
pub mod ledger_look;
pub mod metrics;
pub mod moderation;
mod notice;
mod operator;
mod outgoing;
mod passkey;
mod passport;
mod password;
mod pause;
mod profile;
mod registration;
mod report;
mod second;
mod security;
mod session;
mod session_secret;
mod settle;
mod sign_in;
mod signing;
pub mod software;
mod standing;
mod step_up;
pub mod support;
mod telling_again;
mod terms;
mod tie;
pub mod trust;
mod verification;

pub use crate::store::{
    circle::Side, export::Export, mail::Claimed as ClaimedMail, request::Claimed as ClaimedRequest,
};
pub use acceptance::{Acceptance, Accepted, accept, prepare_acceptance};
pub use access::{
    Application as AccessApplication, Granted, Opened, Wish, apply_for_access, open_access, sign_access,
    too_many_openings,
};
pub use circle::{
    Circles, MyInvitation, MyPerson, MyPlace, Note, cancel_circle_invitation, circles_of, end_place,
    keep_note, seal_note,
};
pub use couple::{
    Linkage, MyCouple, cancel_unlink, couple_of, plan_unlink, planned_unlinks, unlink, unlink_as_planned,
};
pub use device::{OwnDevice, forget_device, list_devices};
pub use email_change::{
    Undo, WaitingAddress, WantedAddress, cancel_email_change, confirm_email_change, prepare_confirmation,
    prepare_email_change, prepare_undo, request_email_change, undo_email_change,
};
pub use erasure::{
    CertifiedErasure, FoundCertificate, OwnPart, PreparedErasure, ResealedLetter, UnderErasure,
    WaitingErasure, begin_erasure, cancel_erasure, certificate_of, certify, complete_erasures,
    current_erasures, due_erasures, erasure_of, erasures_to_tell_again, keep_part, overdue_erasures,
    prepare_erasure, request_erasure, reseal_letter, tell_again,
};
pub use export::{cancel_export, export_of, request_export, take_export};
pub use factor::{
    Checked, Factors, FreshCodes, PreparedApp, ProposedApp, admit_confirmation, begin_app, check_code,
    confirm_app, factors_of, prepare_app, remove_app, renew_recovery_codes,
};
pub use hashing::Hashing;
pub use house::sweep;
pub use invitation::{
    Draft, Invited, Preview, block_inviter, cancel_invitation, decline_invitation, draft_circle_invitation,
    draft_invitation, invite, preview_invitation,
};
pub use ledger::{OwnReceipt, Under, count_reads, list_receipts, whose_ledger};
pub use notice::{OwnNotice, choose_notices, list_notices};
pub use operator::{NewOperator, create_operator, create_staff, revoke_and_erase_staff, revoke_staff};
pub use outgoing::{claim_mails, mail_failed, mail_sent, open_letter, release_mail};
pub use passkey::{
    AskedDevice, MyPasskey, PasskeySignIn, PreparedPasskey, Proven, add_passkey, begin_passkey,
    begin_passkey_sign_in, begin_passkey_step_up, check_sign_in, check_step_up, passkeys_of, prepare_passkey,
    remove_passkey, rename_passkey, seal_passkey_name, sign_in_with_passkey, step_up_with_passkey,
};
pub use passport::{MintedPassport, mint};
pub use password::{
    Choice, NewHash, Reset, change_password, prepare_password, prepare_reset, reset_password,
};
pub use pause::{MyPause, Pause, lift_pause, pause_of_code, pause_of_partner, pauses_of};
pub use profile::{Correction, correct_profile};
pub use registration::{Applicant, Application, apply, record, request_reset, resend};
pub use report::{Complaint, Report, report_invitation, seal_report};
pub use second::{Half, WaitingHalf, complete, half, keep_half};
pub use security::{OwnSecurity, security_of};
pub use session::{OwnSession, SealedLabel, end_expired_sessions, end_session, end_sessions, list_sessions};
pub use session_secret::{recognise, rotate_secret};
pub use settle::{Plan, Settled, claim_requests, plan, postpone_request, settle};
pub use sign_in::{
    Attempt, Started, admit_attempt, attempt, credentials, prove, seal_label, start_session, still_proven,
};
pub use signing::{Candidate, OwnKeys, SigningKeys, candidate, is_rotation_due, published_keys, rotate};
pub use step_up::{KnownPerson, admit_step_up, show_code, step_up, still_fits};
pub use telling_again::{
    current_care, current_circles, current_consents, current_counselors, current_couple_care,
    current_couples, current_epochs, current_software_consents, current_state,
};
pub use terms::{
    Offered, OwnAcceptance, OwnTerms, accept_terms, check_offered, terms_of, texts_of, withdraw_terms,
};
pub use tie::{Tie, list_ties};
pub use verification::{MyAccount, PendingProof, Proof, me, pending_proof, prove_registration, verify_email};

use crate::{
    Error, config,
    domain::{Address, Site, Terms},
};
use bus::Outbox;
use chassis::{Clock, Ids};
use sqlx::PgPool;
use std::sync::Arc;
use tokio::sync::{Notify, OnceCell};
use uuid::Uuid;
use vault::{DataKey, Place, Vault};

/// The owner of what belongs to the service itself: the index of addresses, password hashes, signing keys.
const SERVICE_ITSELF: Uuid = Uuid::from_u128(0x0000_0000_0000_5000_8000_6163_636f_756e);

/// What the use cases stand on.
pub struct Accounts {
    /// The service's database.
    pub pool: PgPool,
    /// Time.
    pub clock: Clock,
    /// Ids.
    pub ids: Ids,
    /// The accounts' keys.
    pub vault: Vault,
    /// Password hashing.
    pub hashing: Hashing,
    /// This replica's copy of the signing keys.
    pub signing: SigningKeys,
    /// Wakes the relay.
    pub outbox: Outbox,
    /// Wakes the job that takes requests up.
    pub requests: Arc<Notify>,
    /// Wakes the job that sends mail.
    pub mails: Arc<Notify>,
    /// How long sessions last.
    pub sessions: config::Sessions,
    /// What links begin with, without a slash at the end.
    pub public_url: String,
    /// The legal texts.
    pub terms: Terms,
    /// The place that passkeys are for; none where it has no name.
    site: Option<Site>,
    key: OnceCell<DataKey>,
}

impl Accounts {
    /// Puts the service together.
    pub fn new(
        pool: PgPool,
        clock: Clock,
        ids: Ids,
        vault: Vault,
        hashing: config::Hashing,
        sessions: config::Sessions,
        public_url: &str,
    ) -> Self {
        Self {
            pool,
            clock,
            ids,
            vault,
            hashing: Hashing::new(hashing),
            signing: SigningKeys::default(),
            outbox: Outbox::new(),
            requests: Arc::default(),
            mails: Arc::default(),
            sessions,
            public_url: public_url.trim_end_matches('/').to_owned(),
            terms: Terms::default(),
            site: Site::of(public_url),
            key: OnceCell::new(),
        }
    }

    /// The same with legal texts to accept; none, unless they are said.
    #[must_use]
    pub fn with_terms(self, terms: Terms) -> Self {
        Self { terms, ..self }
    }

    /// The service's own key. Asked of the vault once and then kept: nothing works without it.
    async fn key(&self) -> Result<&DataKey, Error> {
        Ok(self.key.get_or_try_init(|| self.vault.data_key(SERVICE_ITSELF)).await?)
    }

    /// The name of the place, as its address says it.
    fn host(&self) -> &str {
        self.public_url.split_once("://").map_or(self.public_url.as_str(), |(_, host)| host)
    }

    /// Whether passports can be minted.
    pub async fn can_sign(&self) -> bool {
        self.signing.signer(self).await.is_ok()
    }

    /// What an address is found by: nobody without the key can tell whose it is.
    ///
    /// # Errors
    /// When the key store is away.
    pub async fn index(&self, address: &Address) -> Result<[u8; 32], Error> {
        Ok(self.key().await?.mac("e-mail address", address.lookup().as_bytes()))
    }
}

/// Where a password's hash is sealed.
fn password_place(account_id: Uuid) -> Place<'static> {
    Place { table: "account", column: "password_hash", row: account_id }
}

/// Where an account's address is sealed.
fn email_place(account_id: Uuid) -> Place<'static> {
    Place { table: "account", column: "email", row: account_id }
}

/// 256 bits nobody can guess.
fn random() -> Result<[u8; 32], Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

/// An id that holds no time: somebody else may see it, and must not learn from it when somebody was here.
fn random_id() -> Result<Uuid, Error> {
    let random = random()?;
    Ok(uuid::Builder::from_random_bytes(std::array::from_fn(|at| random[at])).into_uuid())
}

/// Text that was sealed.
fn text(bytes: &[u8]) -> Result<String, Error> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Error::Unreadable)
}
