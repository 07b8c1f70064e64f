//! Whose invitations do not reach whom: after leaving, after a no, after blocking; silent for the other, and lifted by
//! whoever it protects alone. And a link that ends a little later.

use crate::{
    kit::{House, reason},
    people::{Person, visible},
};
use accounts::jobs;
use candor_proto::accounts::v1::{
    CancelUnlinkRequest, InvitationPause, InvitationPauseCause, LiftInvitationPauseRequest,
    ListInvitationPausesRequest, ListInvitationPausesResponse, UnlinkPartnerRequest,
    couple_service_server::CoupleService as _,
};
use jiff::SignedDuration;
use std::collections::BTreeSet;
use tonic::{Code, Status};

const UNKNOWN: &str = "01ABC-DEFGH-JKMNP-QRSTV";
const DAY: SignedDuration = SignedDuration::from_hours(24);

impl House {
    pub async fn pauses(&self, person: &Person) -> Vec<InvitationPause> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let page = self.pauses_from(person, 2, &page_token).await.unwrap();
            all.extend(page.pauses);
            if page.next_page_token.is_empty() {
                return all;
            }
            page_token = page.next_page_token;
        }
    }

    async fn pauses_from(
        &self,
        person: &Person,
        page_size: i32,
        page_token: &str,
    ) -> Result<ListInvitationPausesResponse, Status> {
        let message = ListInvitationPausesRequest { page_size, page_token: page_token.into() };
        Ok(self.rpc.list_invitation_pauses(self.by(person, message)).await?.into_inner())
    }

    /// Blocks so many people, three at each moment, whose accounts are gone.
    async fn block_many(&self, person: &Person, number: i32) {
        let sql = "ALTER TABLE invitation_block DROP CONSTRAINT invitation_block_blocked_id_fkey";
        sqlx::query(sql).execute(self.pool()).await.unwrap();
        let sql = "INSERT INTO invitation_block (blocker_id, blocked_id, blocked_at, pause_id, cause)
                   SELECT $1, gen_random_uuid(), $2 - n / 3 * interval '1 second', gen_random_uuid(),
                          'blocked' FROM generate_series(1, $3) n";
        let now = jiff_sqlx::Timestamp::from(self.now());
        let query = sqlx::query(sql).bind(person.account_id).bind(now).bind(number);
        query.execute(self.pool()).await.unwrap();
    }

    pub async fn lift(&self, person: &Person, pause_id: &str) {
        let message = LiftInvitationPauseRequest { pause_id: pause_id.into() };
        self.rpc.lift_invitation_pause(self.by(person, message)).await.unwrap();
    }

    /// Makes the names of those who are linked unreadable, as when a key is gone.
    async fn break_names(&self) {
        sqlx::query("UPDATE couple_member SET own_name = 'x'").execute(self.pool()).await.unwrap();
    }

    async fn unlink_in(&self, person: &Person, delay_hours: i32) -> Option<i64> {
        let request = self.by(person, UnlinkPartnerRequest { delay_hours });
        let planned = self.rpc.unlink_partner(request).await.unwrap().into_inner().planned_unlink_time;
        planned.map(|at| at.seconds)
    }

    /// Whether a new code of one opens for the other.
    async fn reaches(&self, inviter: &Person, invited: &Person) -> bool {
        self.advance(SignedDuration::from_hours(5));
        let code = self.invite(inviter, "Somebody").await.unwrap().code;
        match self.accept(invited, &code, "Other").await {
            Ok(_) => true,
            Err(refused) => {
                let unknown = self.accept(invited, UNKNOWN, "Other").await.err().unwrap();
                assert_eq!(visible(&refused), visible(&unknown));
                // To whoever made it, and to everybody else, it is as open as one that nobody answered.
                self.preview(&code).await.unwrap();
                assert!(self.couple_of(inviter).await.invitation.is_some());
                false
            }
        }
    }
}

#[tokio::test]
async fn whoever_left_is_not_reached_until_they_lift_it_or_ninety_days_are_over() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    house.unlink(&ben).await.unwrap();
    assert!(!house.reaches(&anna, &ben).await);
    // A circle's codes do not reach him either.
    let code = house.invite_trusted(&anna, "Him", "").await.unwrap().code;
    assert_eq!(reason(&house.accept(&ben, &code, "Ben").await.err().unwrap()), "INVITATION_NOT_FOUND");
    let mine = house.pauses(&ben).await;
    assert_eq!(
        (mine.len(), mine[0].name.as_str(), mine[0].cause),
        (1, "Anna", InvitationPauseCause::Left as i32)
    );
    let kept = mine[0].expire_time.unwrap().seconds - mine[0].create_time.unwrap().seconds;
    assert_eq!(kept, 90 * 24 * 3600);
    // Whom he left has nothing of it, and can still be reached by him.
    assert!(house.pauses(&anna).await.is_empty());
    house.lift(&ben, &mine[0].pause_id).await;
    assert!(house.reaches(&anna, &ben).await);

    house.unlink(&ben).await.unwrap();
    house.advance(DAY * 89);
    assert!(!house.reaches(&anna, &ben).await);
    house.advance(DAY);
    assert!(house.reaches(&anna, &ben).await);
    // Saying yes to each other ends what is left of it.
    house.unlink(&ben).await.unwrap();
    assert!(house.reaches(&ben, &anna).await);
    assert!(house.pauses(&ben).await.is_empty());
}

#[tokio::test]
async fn a_no_keeps_the_next_invitations_away_for_thirty_days() {
    let house = House::new().await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    let code = house.invite(&anna, "Anna").await.unwrap().code;
    house.decline(&ben, &code).await.unwrap();
    assert!(!house.reaches(&anna, &ben).await);
    let mine = house.pauses(&ben).await;
    assert_eq!((mine.len(), mine[0].cause), (1, InvitationPauseCause::Declined as i32));
    house.advance(DAY * 30);
    assert!(house.pauses(&ben).await.is_empty());
    assert!(house.reaches(&anna, &ben).await);
}

#[tokio::test]
async fn a_block_stays_until_it_is_lifted_and_nothing_shortens_it() {
    let house = House::new().await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    let code = house.invite(&anna, "Anna").await.unwrap().code;
    house.block(&ben, &code).await.unwrap();
    house.decline(&ben, &code).await.unwrap();
    house.advance(DAY * 20);
    // He links with her himself, and leaves: the block is what it was.
    assert!(house.reaches(&ben, &anna).await);
    house.unlink(&ben).await.unwrap();
    let mine = house.pauses(&ben).await;
    assert_eq!(
        (mine.len(), mine[0].cause, mine[0].expire_time),
        (1, InvitationPauseCause::Blocked as i32, None)
    );
    house.advance(DAY * 400);
    jobs::keep_house(&house.accounts).await.unwrap();
    assert!(!house.reaches(&anna, &ben).await);
    // After so long he proves afresh that it is he, and there are other keys.
    let ben = house.replica().signed_in("ben@example.org").await;
    house.lift(&ben, &mine[0].pause_id).await;
    assert!(house.reaches(&anna, &ben).await);
}

#[tokio::test]
async fn the_list_is_whole_however_long_it_is_and_ones_own() {
    let house = House::new().await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    house.block_many(&anna, 250).await;
    let all = house.pauses(&anna).await;
    let ids: BTreeSet<_> = all.iter().map(|pause| &pause.pause_id).collect();
    assert_eq!((all.len(), ids.len()), (250, 250), "each once, those of one moment too");
    let times = |pause: &InvitationPause| pause.create_time.unwrap().seconds;
    assert!(all.is_sorted_by(|one, next| times(one) >= times(next)), "newest first");
    let sizes = async |size| house.pauses_from(&anna, size, "").await.map(|page| page.pauses.len());
    assert_eq!((sizes(0).await.unwrap(), sizes(100).await.unwrap()), (20, 100));
    assert_eq!(sizes(101).await.err().unwrap().code(), Code::InvalidArgument);
    // A place in her list is none of his, and opens nothing of hers.
    let token = house.pauses_from(&anna, 3, "").await.unwrap().next_page_token;
    assert!(house.pauses_from(&ben, 3, &token).await.unwrap().pauses.is_empty());
    let refused = house.pauses_from(&anna, 3, "made up").await.err().unwrap();
    assert!(refused.code() == Code::InvalidArgument && refused.message().contains("page_token"), "{refused}");
    // What is lifted meanwhile moves nothing.
    let first = house.pauses_from(&anna, 100, "").await.unwrap();
    house.lift(&anna, &first.pauses[0].pause_id).await;
    let second = house.pauses_from(&anna, 100, &first.next_page_token).await.unwrap();
    assert_eq!(second.pauses[0].pause_id, all[100].pause_id);
}

#[tokio::test]
async fn a_longer_pause_takes_the_place_of_a_shorter_one() {
    let house = House::new().await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    let code = house.invite(&anna, "Anna").await.unwrap().code;
    house.decline(&ben, &code).await.unwrap();
    house.block(&ben, &code).await.unwrap();
    let mine = house.pauses(&ben).await;
    assert_eq!(
        (mine.len(), mine[0].cause, mine[0].name.as_str()),
        (1, InvitationPauseCause::Blocked as i32, "Anna")
    );
}

#[tokio::test]
async fn nobody_lifts_anybody_elses_and_nobody_without_a_fresh_proof() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    house.unlink(&ben).await.unwrap();
    let id = house.pauses(&ben).await[0].pause_id.clone();
    // The same answer, whoever's it is.
    house.lift(&anna, &id).await;
    assert_eq!(house.pauses(&ben).await.len(), 1);
    let mut request = house.by(&ben, LiftInvitationPauseRequest { pause_id: id.clone() });
    let passport = request.extensions_mut().get_mut::<chassis::identity::Passport>().unwrap();
    passport.authenticated_at = house.now() - SignedDuration::from_mins(6);
    let refused = house.rpc.lift_invitation_pause(request).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "STEP_UP_REQUIRED"));
    house.advance(DAY * 31);
    jobs::keep_house(&house.accounts).await.unwrap();
    let over = house.by(&ben, LiftInvitationPauseRequest { pause_id: id });
    let refused = house.rpc.lift_invitation_pause(over).await.err().unwrap();
    assert_eq!(refused.code(), Code::Unauthenticated, "the session is over");
}

#[tokio::test]
async fn leaving_does_not_wait_for_a_name() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    house.break_names().await;
    let couple = house.couple_of(&ben).await.couple.unwrap();
    assert_eq!((couple.partner_name.as_str(), couple.own_name.as_str()), ("", ""), "the way out is shown");
    house.unlink(&ben).await.unwrap();
    let mine = house.pauses(&ben).await;
    assert_eq!((mine.len(), mine[0].name.as_str()), (1, ""));
    assert!(house.couple_of(&anna).await == Default::default());
}

#[tokio::test]
async fn a_link_ends_when_whoever_leaves_said_and_nobody_else_is_shown_that() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let at = house.now() + DAY;
    assert_eq!(house.unlink_in(&ben, 24).await, Some(at.as_second()));
    let bens = house.couple_of(&ben).await.couple.unwrap();
    assert_eq!(bens.planned_unlink_time.unwrap().seconds, at.as_second());
    assert_eq!(house.couple_of(&anna).await.couple.unwrap().planned_unlink_time, None);
    let before = house.events().await;
    house.advance(DAY - SignedDuration::from_secs(1));
    jobs::end_links(&house.accounts).await.unwrap();
    assert!(house.couple_of(&anna).await.couple.is_some());
    assert_eq!(house.events().await, before, "nobody is told of a plan");
    house.advance(SignedDuration::from_secs(1));
    jobs::end_links(&house.accounts).await.unwrap();
    for person in [&anna, &ben] {
        assert!(house.couple_of(person).await == Default::default());
    }
    assert_eq!(house.told("accounts.v1.couple_unlinked").await, 1);
    assert_eq!(house.pauses(&ben).await[0].cause, InvitationPauseCause::Left as i32);
    assert!(house.pauses(&anna).await.is_empty());
}

#[tokio::test]
async fn a_plan_can_be_changed_taken_back_or_overtaken() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    house.unlink_in(&ben, 1).await.unwrap();
    house.unlink_in(&ben, 3).await.unwrap();
    house.unlink_in(&anna, 720).await.unwrap();
    house.advance(SignedDuration::from_hours(2));
    jobs::end_links(&house.accounts).await.unwrap();
    house.rpc.cancel_unlink(house.by(&ben, CancelUnlinkRequest {})).await.unwrap();
    house.advance(DAY * 2);
    jobs::end_links(&house.accounts).await.unwrap();
    // Hers stands, and is hers to take back.
    assert!(house.couple_of(&anna).await.couple.unwrap().planned_unlink_time.is_some());
    assert_eq!(house.couple_of(&ben).await.couple.unwrap().planned_unlink_time, None);
    house.unlink(&ben).await.unwrap();
    house.advance(DAY * 40);
    jobs::end_links(&house.accounts).await.unwrap();
    assert_eq!(house.told("accounts.v1.couple_unlinked").await, 1);
    assert_eq!(house.pauses(&anna).await.len(), 1, "he was first, and she had said that she would leave");
    // Without a link there is nothing to plan.
    assert_eq!(house.unlink_in(&ben, 24).await, None);
    let request = house.by(&ben, UnlinkPartnerRequest { delay_hours: 721 });
    assert_eq!(house.rpc.unlink_partner(request).await.err().unwrap().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_link_that_cannot_be_ended_holds_up_no_other() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let (carl, dora) = (house.member("carl").await, house.member("dora").await);
    house.link(&carl, &dora).await;
    house.unlink_in(&ben, 1).await.unwrap();
    house.advance(SignedDuration::from_mins(1));
    house.unlink_in(&dora, 1).await.unwrap();
    let stuck = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE division_by_zero; END';
         CREATE TRIGGER refuses BEFORE UPDATE OF unlinked_at ON couple FOR EACH ROW
         WHEN ('{}' IN (NEW.first_id, NEW.second_id)) EXECUTE FUNCTION refuse()",
        anna.account_id
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(stuck)).execute(house.pool()).await.unwrap();
    house.advance(SignedDuration::from_hours(2));
    assert_eq!(jobs::end_links(&house.accounts).await.unwrap(), 1);
    assert!(house.couple_of(&carl).await == Default::default());
    assert!(house.couple_of(&ben).await.couple.is_some());
    sqlx::query("DROP TRIGGER refuses ON couple").execute(house.pool()).await.unwrap();
    assert_eq!(jobs::end_links(&house.accounts).await.unwrap(), 1);
    assert!(house.couple_of(&ben).await == Default::default());
    assert_eq!(jobs::end_links(&house.accounts).await.unwrap(), 0);
}

#[tokio::test]
async fn both_who_leave_at_the_same_moment_are_not_reached() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let (one, other) = tokio::join!(house.unlink(&anna), house.unlink(&ben));
    one.unwrap();
    other.unwrap();
    assert_eq!((house.pauses(&anna).await.len(), house.pauses(&ben).await.len()), (1, 1));
    // Pressed once more, it takes no name away.
    let (clara, dora) = (house.member("clara").await, house.member("dora").await);
    house.link(&clara, &dora).await;
    house.unlink(&clara).await.unwrap();
    house.unlink(&clara).await.unwrap();
    assert_eq!(house.pauses(&clara).await[0].name, "Ben");
}

#[tokio::test]
async fn whoever_had_said_that_they_would_leave_is_not_reached_when_the_other_is_quicker() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    house.unlink_in(&anna, 2).await.unwrap();
    house.unlink(&ben).await.unwrap();
    let hers = house.pauses(&anna).await;
    assert_eq!((hers.len(), hers[0].cause), (1, InvitationPauseCause::Left as i32));
    assert!(!house.reaches(&ben, &anna).await);
    // What she had taken back is no plan.
    let (clara, dora) = (house.member("clara").await, house.member("dora").await);
    house.link(&clara, &dora).await;
    house.unlink_in(&clara, 2).await.unwrap();
    house.rpc.cancel_unlink(house.by(&clara, CancelUnlinkRequest {})).await.unwrap();
    house.unlink(&dora).await.unwrap();
    assert!(house.pauses(&clara).await.is_empty());
}
