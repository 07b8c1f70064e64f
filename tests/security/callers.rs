//! The kinds of caller, and what each can get.

use crate::call::Api;
use tonic::Code;

/// What only those do who support.
const LOOK: &str = "candor.accounts.v1.SupportService.LookUpSupportCode";
/// What only a suspended account can do.
const APPEAL: &str = "candor.accounts.v1.TrustService.AppealSuspension";

/// Who calls, seen from the owner of the things the call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Without any token.
    Nobody,
    /// With the owner's own passport, signed by somebody else.
    Forger,
    /// A member who has nothing to do with the owner, and a partner of their own.
    Stranger,
    /// A member whose account is suspended.
    Suspended,
    /// Somebody who helps members with the use of the platform.
    Support,
    /// Somebody who keeps the library.
    Editor,
    /// Somebody who runs the platform.
    Operator,
    /// Software with a token of its own and the widest scope, to which nobody opened anything.
    Client,
    /// Linked with the owner once, with shares, answers and check-ins.
    Former,
    /// Linked with the owner; nothing is open to them.
    Unshared,
    /// In the owner's circle; one thing is open to them.
    Trusted,
    /// Linked with the owner; an excerpt, an answer and a check-in are open to them.
    Shared,
}

impl Caller {
    /// In the order of their turns.
    pub(crate) const ALL: [Self; 12] = [
        Self::Nobody,
        Self::Forger,
        Self::Stranger,
        Self::Suspended,
        Self::Support,
        Self::Editor,
        Self::Operator,
        Self::Former,
        Self::Unshared,
        Self::Client,
        Self::Trusted,
        Self::Shared,
    ];
    /// In the order of the columns. What the others get follows from a rule, for every RPC that there is or will be.
    const COLUMNS: [Self; 9] = [
        Self::Nobody,
        Self::Forger,
        Self::Stranger,
        Self::Operator,
        Self::Client,
        Self::Former,
        Self::Unshared,
        Self::Trusted,
        Self::Shared,
    ];

    /// Whether something links them with the owner: then only the owner's things can be made up.
    pub(crate) fn is_linked(self) -> bool {
        matches!(self, Self::Unshared | Self::Trusted | Self::Shared)
    }

    /// Whether whatever they do leaves the owner's own things as they are.
    pub(crate) fn may_change_nothing(self) -> bool {
        !self.is_linked()
    }
}

/// What a call about somebody else's things gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// This code, and byte for byte what the same call gets about things that do not exist.
    Alike(Code),
    /// A refusal of what is the caller's own as well as the owner's.
    Refused(Code),
    /// Only what is the caller's own: no word and no private id of the owner's.
    Own,
    /// Something that is open to the caller.
    Opened,
}

/// What each kind of caller gets, in the order of [`Caller::COLUMNS`].
pub(crate) type Outcomes = [Outcome; 9];

/// One line of the table.
pub(crate) struct Row {
    /// The full name of the RPC.
    pub(crate) rpc: &'static str,
    /// The request in JSON; `$entry` and the like stand for the owner's things ([`crate::things::Things`]).
    pub(crate) request: &'static str,
    /// What comes of it.
    pub(crate) outcomes: Outcomes,
}

impl Row {
    pub(crate) fn outcome(&self, caller: Caller) -> Outcome {
        match caller {
            // Nobody but they can object, and nothing that is not marked is open to them.
            Caller::Suspended if self.rpc == APPEAL => Outcome::Own,
            Caller::Suspended if Api::is_public(self.rpc) || Api::is_never_gated(self.rpc) => {
                self.column(Caller::Stranger)
            }
            Caller::Suspended => Outcome::Alike(Code::PermissionDenied),
            // They look after their own account, as operators do; nothing else is theirs but this.
            Caller::Support if self.rpc == LOOK => Outcome::Alike(Code::NotFound),
            Caller::Support | Caller::Editor => match self.column(Caller::Stranger) {
                Outcome::Alike(Code::PermissionDenied) => Outcome::Alike(Code::PermissionDenied),
                _ => self.column(Caller::Operator),
            },
            column => self.column(column),
        }
    }

    fn column(&self, caller: Caller) -> Outcome {
        let at = Caller::COLUMNS.iter().position(|each| *each == caller).unwrap();
        self.outcomes[at]
    }
}
