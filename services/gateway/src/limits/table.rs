//! What is limited: RPCs by their names, and the forms of pages that make such calls.

/// What turns are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Getting in, or proving something with a link.
    SignIn,
    /// Registering.
    Registration,
    /// Asking for a mail.
    Mail,
}

/// What anybody may call and what costs hashing or mail. Tokens of software are not here: what they cost is the look at a
/// signature, each client has a pace of its own in accounts, and many clients of one clinic come from one address.
const RPCS: [(&str, Kind); 10] = [
    ("candor.accounts.v1.SessionService.SignIn", Kind::SignIn),
    ("candor.accounts.v1.SessionService.CompleteSignIn", Kind::SignIn),
    ("candor.accounts.v1.PasskeyService.BeginPasskeySignIn", Kind::SignIn),
    ("candor.accounts.v1.PasskeyService.SignInWithPasskey", Kind::SignIn),
    ("candor.accounts.v1.IdentityService.VerifyEmail", Kind::SignIn),
    ("candor.accounts.v1.IdentityService.ResetPassword", Kind::SignIn),
    ("candor.accounts.v1.IdentityService.UndoEmailChange", Kind::SignIn),
    ("candor.accounts.v1.IdentityService.Register", Kind::Registration),
    ("candor.accounts.v1.IdentityService.ResendVerification", Kind::Mail),
    ("candor.accounts.v1.IdentityService.RequestPasswordReset", Kind::Mail),
];

/// The forms that make those calls.
const FORMS: [(&str, Kind); 10] = [
    ("/sign-in", Kind::SignIn),
    ("/sign-in/second", Kind::SignIn),
    ("/sign-in/passkey", Kind::SignIn),
    ("/sign-in/passkey/finish", Kind::SignIn),
    ("/verify", Kind::SignIn),
    ("/reset/set", Kind::SignIn),
    ("/address/undo", Kind::SignIn),
    ("/register", Kind::Registration),
    ("/look-at-your-mail", Kind::Mail),
    ("/reset", Kind::Mail),
];

impl Kind {
    /// Of an RPC by its full name.
    pub(crate) fn of_rpc(name: &str) -> Option<Self> {
        RPCS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// Of what is sent to a page, by the template of its path.
    pub(super) fn of_form(path: &str) -> Option<Self> {
        FORMS.iter().find(|(known, _)| *known == path).map(|(_, kind)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_reflect::DescriptorPool;

    /// What anybody may call as often as connections allow: reads of what is public, and what is looked for by 100 random bits
    /// and more in one statement.
    const COSTS_LITTLE: [&str; 14] = [
        "candor.accounts.v1.CoupleService.PreviewInvitation",
        "candor.accounts.v1.CoupleService.ReportInvitation",
        "candor.accounts.v1.OAuthClientService.IssueClientToken",
        "candor.accounts.v1.OAuthClientService.RevokeClientToken",
        "candor.accounts.v1.PrivacyService.GetErasureCertificate",
        "candor.accounts.v1.SessionService.ListSigningKeys",
        "candor.accounts.v1.SessionService.MintPassport",
        "candor.accounts.v1.SessionService.RotateSecret",
        "candor.accounts.v1.TermsService.GetTerms",
        "candor.content.v1.InstrumentService.GetInstrument",
        "candor.content.v1.InstrumentService.ListInstruments",
        "candor.content.v1.LibraryService.GetArticle",
        "candor.content.v1.LibraryService.ListArticles",
        "candor.content.v1.PromptService.ListCheckInPrompts",
    ];

    #[test]
    fn whatever_anybody_may_call_is_limited_or_said_to_cost_little() {
        let pool = DescriptorPool::decode(candor_proto::DESCRIPTOR_SET).unwrap();
        let access = pool.get_extension_by_name("candor.options.v1.access").unwrap();
        let rpcs = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
        let public = rpcs.filter(|rpc| rpc.options().get_extension(&access).as_enum_number() == Some(1));
        let mut public: Vec<_> = public.map(|rpc| rpc.full_name().to_owned()).collect();
        let mut known: Vec<_> = RPCS.iter().map(|(name, _)| *name).chain(COSTS_LITTLE).collect();
        public.sort_unstable();
        known.sort_unstable();
        assert_eq!(public, known);
    }
}
