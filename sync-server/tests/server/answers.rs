//! What every page answers, whole: status, fields and body, when it does what it is for and when it refuses.
//!
//! A page that is described and not told of here fails the test. What a page promises beyond one answer is in the other files.

mod accounts;
mod expenses;
mod ledgers;
mod operation;
mod programs;
mod story;

use crate::postbox::Postbox;
use crate::support::Server;
use story::Story;

#[test]
fn every_page_answers_as_it_is_told_here_when_it_does_it_and_when_it_refuses() {
    let postbox = Postbox::start();
    let many = "1000000";
    let options = ["--address-requests-per-minute", many, "--account-requests-per-minute", many];
    let server = Server::start(&[&options, &postbox.options()[..], &["--webhook-private-addresses"]].concat());
    let mut story = Story::begin(server);
    accounts::tell(&mut story, &postbox);
    let (ana, ben) = ledgers::tell(&mut story);
    expenses::tell(&mut story, &ana);
    programs::tell(&mut story, &ana);
    operation::tell(&mut story, &ana);
    expenses::tell_insights(&mut story);
    drop(ben);
    story.end();
}
