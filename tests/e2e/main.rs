//! The whole story from outside, in both forms: one process with an in-memory bus, and five with PostgreSQL and RabbitMQ.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests: what fails, fails the test

mod bad_input;
mod disorder;
mod erasing;
mod leaving;
mod life;
mod remains;
mod software;
mod story;
mod throwing_out;
mod two;
mod world;

use world::World;

async fn tell(mut world: World) {
    let anna = story::join_over_rest(&world, "anna@example.org").await;
    let ben = story::join_over_grpc(&world, "ben@example.org").await;
    assert_ne!(anna.account_id, ben.account_id);

    let entry = story::write_and_read_over_rest(&world, &anna).await;
    story::is_refused(&world, &ben, &entry).await;
    story::path_and_schedule_follow(&world, &anna).await;
    story::path_is_untouched(&world, &ben).await;

    let bens = story::write_and_read_over_grpc(&world, &ben).await;
    story::is_refused(&world, &anna, &bens).await;
    story::path_and_schedule_follow(&world, &ben).await;

    story::reminder_arrives_once(&world, &anna, &entry).await;
    story::inbox_is_private(&world, &anna, &ben).await;
    story::library_is_open(&world).await;
    bad_input::is_refused_clearly(&world, &anna).await;

    world.kill_and_start_again().await;
    story::survived(&world, &anna, &entry).await;
    story::sign_out(&world, &anna).await;
    world.assert_nowhere_readable(story::CANARY).await;
    world.stop().await;
}

#[tokio::test]
async fn the_story_in_one_process() {
    tell(World::one_process().await).await;
}

#[tokio::test]
async fn the_story_in_five_processes() {
    tell(World::five_processes().await).await;
}

#[tokio::test]
async fn the_story_of_two_in_one_process() {
    two::tell(World::one_process().await).await;
}

#[tokio::test]
async fn the_story_of_two_in_five_processes() {
    two::tell(World::five_processes().await).await;
}
