//! The people a member shares with or is shown something by: their partner, their circle, and the circles they are in.

use super::Member;
use crate::error::Problem;
use candor_proto::accounts::v1::{Couple, GetCircleRequest, GetCircleResponse};

/// Everybody who is linked with a member, by whatever link.
#[derive(Default)]
pub(super) struct Others {
    /// The partner.
    pub(super) couple: Option<Couple>,
    /// The circle, and the circles they are in.
    pub(super) circle: GetCircleResponse,
}

/// One of them.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Other {
    /// Who.
    pub(super) account_id: String,
    /// What the member calls them.
    pub(super) name: String,
    /// What links the two: their couple, or a place in a circle.
    pub(super) link: String,
    /// The member's place in their circle, where that is what links the two; empty for a partner.
    pub(super) place: String,
}

impl Member {
    /// Everybody who is linked with the member.
    pub(super) async fn others(&self) -> Result<Others, Problem> {
        let request = self.call(GetCircleRequest {})?;
        let mut circle = self.guest.app.upstream.circle();
        let (couple, circle) = tokio::join!(self.couple(), circle.get_circle(request));
        Ok(Others { couple: couple?, circle: circle?.into_inner() })
    }
}

impl Others {
    fn partner(&self) -> impl Iterator<Item = Other> {
        self.couple.iter().map(|couple| Other {
            account_id: couple.partner_account_id.clone(),
            name: couple.partner_name.clone(),
            link: couple.couple_id.clone(),
            place: String::new(),
        })
    }

    /// With whom the member can share.
    pub(super) fn readers(&self) -> Vec<Other> {
        let people = self.circle.people.iter().map(|person| Other {
            account_id: person.account_id.clone(),
            name: person.called.clone(),
            link: person.circle_id.clone(),
            place: String::new(),
        });
        self.partner().chain(people).collect()
    }

    /// Who can share with the member.
    pub(super) fn owners(&self) -> Vec<Other> {
        let hosts = self.circle.places.iter().map(|place| Other {
            account_id: place.host_account_id.clone(),
            name: place.host_name.clone(),
            link: place.circle_id.clone(),
            place: place.circle_id.clone(),
        });
        self.partner().chain(hosts).collect()
    }

    /// What the member calls an account, if they are linked with it.
    pub(super) fn name_of(&self, account_id: &str) -> Option<String> {
        let all = self.readers().into_iter().chain(self.owners());
        all.into_iter().find(|other| other.account_id == account_id).map(|other| other.name)
    }
}
