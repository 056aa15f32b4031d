//! Ledgers that people share: invited, joined, given other roles, left, and what becomes of a lost device.

use serde_json::{Value, json};

use crate::home::{Home, string};
use crate::server::Server;

/// Ana with a ledger and an expense, and Ben with an account of his own.
fn ana_and_ben(server: &Server) -> (Home, Home) {
    let (ana, ben) = (Home::with_ledger(), Home::bare());
    ana.add(&["12.50", "Café", "-d", "2026-11-02"]);
    ana.sign_up(&server.url, "phone");
    ben.sign_up_as(&server.url, "ben@example.org", "laptop");
    (ana, ben)
}

/// Both in Ana's ledger.
fn shared(server: &Server, role: &str) -> (Home, Home) {
    let (ana, ben) = ana_and_ben(server);
    let code = string(&ana.one(&["ledger", "invite", "--role", role])["code"]);
    ben.one(&["ledger", "join", &code]);
    ana.one(&["sync"]);
    (ana, ben)
}

fn others_id(home: &Home) -> String {
    let members = home.json(&["ledger", "members"]);
    string(&members.iter().find(|member| member["this"] == false).unwrap()["member"])
}

#[test]
fn an_invitation_is_listed_until_it_is_used_or_taken_back() {
    let server = Server::start();
    let (ana, ben) = ana_and_ben(&server);
    let [first, second] = ["viewer", "editor"].map(|role| ana.one(&["ledger", "invite", "--role", role]));
    let listed = ana.json(&["ledger", "invitations"]);
    assert_eq!(listed.len(), 2, "{listed:?}");
    let open = listed.iter().find(|open| open["invitation"] == first["invitation"]).unwrap();
    assert_eq!((&open["role"], &open["expires"]), (&json!("viewer"), &first["expires"]));
    let prefix = string(&first["invitation"])[..12].to_owned();
    let taken_back = ana.one(&["ledger", "invitations", "--take-back", &prefix]);
    assert_eq!((&taken_back["invitation"], &taken_back["taken_back"]), (&first["invitation"], &json!(true)));
    assert_eq!(ben.refused(&["ledger", "join", &string(&first["code"])]).0, "forbidden");
    assert_eq!(ana.refused(&["ledger", "invitations", "--take-back", &prefix]).0, "not_found");
    ben.one(&["ledger", "join", &string(&second["code"])]);
    assert_eq!(ana.json(&["ledger", "invitations"]), Vec::<Value>::new());
    assert_eq!(ben.refused(&["ledger", "invitations"]).0, "forbidden", "only owners see them");
    assert_eq!(Home::with_ledger().refused(&["ledger", "invitations"]).0, "signed_out");
}

#[test]
fn whoever_is_sent_an_invitation_joins_and_has_the_ledger() {
    let server = Server::start();
    let (ana, ben) = ana_and_ben(&server);
    let invited = ana.one(&["ledger", "invite", "--role", "editor", "--days", "3"]);
    assert_eq!((&invited["role"], &invited["synced"]), (&json!("editor"), &json!(true)));
    assert!(invited["expires"].is_string(), "{invited}");
    let joined = ben.one(&["ledger", "join", &string(&invited["code"])]);
    assert_eq!((&joined["ledger"], &joined["name"]), (&invited["ledger"], &json!("Home")));
    assert_eq!((&joined["role"], &joined["synced"]), (&json!("editor"), &json!(true)));
    assert_eq!(ben.list(), ana.list(), "all of it came");

    let id = ben.add(&["3.00", "Kiosk"]);
    assert_eq!(ben.one(&["sync"])["refused"], 0);
    ana.one(&["sync"]);
    assert!(ana.list().iter().any(|expense| expense["id"] == json!(id)));
    assert_eq!(ana.export(&[]), ben.export(&[]), "byte for byte");
    assert_eq!(ben.one(&["status"])["copied"], false, "the admission is its own");

    ben.one(&["ledger", "name", "Ben"]);
    ana.one(&["sync"]);
    let members = ana.json(&["ledger", "members"]);
    let told: Vec<[&Value; 3]> =
        members.iter().map(|member| ["name", "role", "this"].map(|key| &member[key])).collect();
    assert_eq!(told, [[&Value::Null, &json!("owner"), &json!(true)], [&json!("Ben"), &json!("editor"), &json!(false)]]);
    assert_eq!(
        members[1]["devices"],
        json!([{"device": ben.one(&["device"])["device"], "confirmed": true, "this": false}])
    );
    assert_eq!(
        ben.one(&["ledger", "join", &string(&invited["code"])])["ledger"],
        invited["ledger"],
        "twice is as once"
    );
}

#[test]
fn an_invitation_is_good_once_and_only_as_it_was_sent() {
    let server = Server::start();
    let (ana, ben) = shared(&server, "editor");
    let code = string(&ana.one(&["ledger", "invite"])["code"]);
    let cat = Home::bare();
    cat.sign_up_as(&server.url, "cat@example.org", "phone");
    cat.one(&["ledger", "join", &code]);

    let dan = Home::bare();
    assert_eq!(dan.refused(&["ledger", "join", &code]).0, "signed_out");
    dan.sign_up_as(&server.url, "dan@example.org", "phone");
    let (kind, message) = dan.refused(&["ledger", "join", &code]);
    assert_eq!(kind, "forbidden");
    assert!(message.contains("used"), "{message}");
    assert_eq!(dan.refused(&["ledger", "join", &code[..code.len() - 1]]).0, "invalid_input");
    assert_eq!(dan.refused(&["ledger", "join", "nonsense"]).0, "invalid_input");
    assert!(dan.json(&["ledger", "list"]).is_empty());
    assert_eq!(ben.refused(&["ledger", "invite"]).0, "forbidden", "only owners invite");
    assert_eq!(Home::with_ledger().refused(&["ledger", "invite"]).0, "signed_out");
    assert_eq!(ana.run(&["ledger", "invite", "--days", "0"]).code, 2);
}

#[test]
fn a_viewer_reads_becomes_an_editor_and_then_writes() {
    let server = Server::start();
    let (ana, ben) = shared(&server, "viewer");
    assert_eq!(ben.list(), ana.list());
    assert_eq!(ben.refused(&["add", "3.00", "Kiosk"]).0, "forbidden");
    let id = others_id(&ana);
    assert_eq!(ana.refused(&["ledger", "role", &id, "viewer"]).0, "invalid_input", "he is one");
    let changed = ana.one(&["ledger", "role", &id[..8], "editor"]);
    assert_eq!((&changed["member"], &changed["role"]), (&json!(id), &json!("editor")));
    ben.one(&["sync"]);
    ben.add(&["3.00", "Kiosk"]);
    assert_eq!(ben.one(&["sync"])["refused"], 0);
    ana.one(&["sync"]);
    assert_eq!(ana.list().len(), 2);
}

#[test]
fn a_ledger_is_handed_over_and_left() {
    let server = Server::start();
    let (ana, ben) = shared(&server, "editor");
    assert_eq!(ana.refused(&["ledger", "leave"]).0, "forbidden", "somebody must own it");
    let id = others_id(&ana);
    assert_eq!(ana.one(&["ledger", "transfer", &id])["role"], "owner");
    assert_eq!(ana.json(&["ledger", "list"])[0]["role"], "editor");
    ben.one(&["sync"]);
    assert_eq!(ben.json(&["ledger", "list"])[0]["role"], "owner");

    let left = ana.one(&["ledger", "leave"]);
    assert_eq!((&left["left"], &left["synced"]), (&json!(true), &json!(true)));
    assert_eq!(ana.list().len(), 1, "what is here stays");
    assert_eq!(ana.refused(&["add", "1.00", "Kiosk"]).0, "forbidden");
    ben.one(&["sync"]);
    assert_eq!(ben.json(&["ledger", "members"]).len(), 1);
    ben.add(&["3.00", "Kiosk"]);
    ben.one(&["sync"]);
    ana.run(&["sync"]);
    assert_eq!(ana.list().len(), 1, "what others write after that does not come");
}

#[test]
fn a_removed_member_gets_nothing_more() {
    let server = Server::start();
    let (ana, ben) = shared(&server, "editor");
    ben.add(&["3.00", "Kiosk"]);
    ben.one(&["sync"]);
    let id = others_id(&ana);
    assert_eq!(
        ben.refused(&["ledger", "remove", &string(&ben.json(&["ledger", "members"])[0]["member"])]).0,
        "invalid_input"
    );
    assert_eq!(ana.one(&["ledger", "remove", &id])["removed"], true);
    assert_eq!(ana.list().len(), 2, "what he had written counts");
    assert_eq!(ana.refused(&["ledger", "remove", &id]).0, "not_found");
    ana.add(&["5.00", "Bakery"]);
    ana.one(&["sync"]);
    ben.run(&["sync"]);
    assert_eq!(ben.list().len(), 2);

    let code = string(&ana.one(&["ledger", "invite"])["code"]);
    let tablet = Home::bare();
    tablet.log_in_as(&server.url, "ben@example.org", "tablet");
    tablet.one(&["sync"]);
    assert!(tablet.json(&["ledger", "list"]).is_empty(), "also his other devices");
    assert_eq!(ana.one(&["ledger", "add", &string(&ben.one(&["device"])["device"])])["member"], json!(id));
    ben.one(&["sync"]);
    assert_eq!(ben.list(), ana.list(), "and back again");
    tablet.one(&["sync"]);
    assert_eq!(tablet.list(), ana.list(), "with the others");
    assert_eq!(tablet.one(&["ledger", "join", &code])["member"], json!(id), "no invitation is needed");
    let cat = Home::bare();
    cat.sign_up_as(&server.url, "cat@example.org", "phone");
    assert_eq!(cat.one(&["ledger", "join", &code])["role"], "editor", "so this one was not used up");
}

/// The owner removes somebody without a network; what that one sends up meanwhile is on nobody's list, and not lost.
#[test]
fn what_somebody_wrote_before_he_knew_is_set_aside_until_an_owner_accepts_it() {
    let mut server = Server::start();
    let (ana, ben) = shared(&server, "editor");
    server.kill();
    assert_eq!(ana.one(&["ledger", "remove", &others_id(&ana)])["synced"], false);
    server.start_again();
    let id = ben.add(&["3.00", "Kiosk"]);
    assert_eq!(ben.one(&["sync"])["refused"], 0);
    ana.one(&["sync"]);
    assert_eq!(ana.list().len(), 1);
    let aside = ana.json(&["ledger", "aside"]);
    assert_eq!(
        (aside.len(), &aside[0]["changes"], &aside[0]["device"]),
        (1, &json!(1), &ben.one(&["device"])["device"])
    );
    assert_eq!(ben.refused(&["ledger", "accept"]).0, "not_found", "to him it counts");
    assert_eq!(ana.refused(&["ledger", "accept", "abcdef"]).0, "not_found");

    assert_eq!(ana.one(&["ledger", "accept"])["accepted"], json!([aside[0]["commit"]]));
    assert!(ana.list().iter().any(|expense| expense["id"] == json!(id)));
    assert!(ana.json(&["ledger", "aside"]).is_empty());
}

/// He writes without a network and is removed meanwhile: what he wrote goes to nobody but an owner, who may take it in.
#[test]
fn what_a_removed_member_wrote_without_a_network_is_kept_for_an_owner() {
    let server = Server::start();
    let (ana, ben) = shared(&server, "editor");
    let id = ben.add(&["3.00", "Kiosk"]);
    ana.one(&["ledger", "remove", &others_id(&ana)]);
    ben.run(&["sync"]);
    assert_eq!(ben.list().len(), 2, "he keeps it");
    ana.one(&["sync"]);
    assert_eq!(ana.list().len(), 1, "it came to nobody");

    let aside = ana.json(&["ledger", "aside"]);
    assert_eq!((aside.len(), &aside[0]["changes"]), (1, &json!(1)));
    ana.one(&["sync"]);
    assert_eq!(ana.list().len(), 1, "held, and not counted");
    let accepted = ana.one(&["ledger", "accept", &string(&aside[0]["commit"])[..8]]);
    assert_eq!(accepted["synced"], true);
    assert!(ana.list().iter().any(|expense| expense["id"] == json!(id)));
    let tablet = Home::bare();
    tablet.log_in(&server.url, "tablet");
    tablet.one(&["sync"]);
    assert_eq!(tablet.list().len(), 2, "and on every device");
}

#[test]
fn a_lost_device_is_taken_out_of_the_ledgers_too() {
    let server = Server::start();
    let ana = Home::with_ledger();
    ana.add(&["12.50", "Café"]);
    ana.sign_up(&server.url, "phone");
    ana.one(&["sync"]);
    let lost = Home::bare();
    lost.log_in(&server.url, "lost");
    lost.one(&["sync"]);
    ana.one(&["sync"]);
    let key = string(&lost.one(&["device"])["device"]);
    assert_eq!(ana.one(&["ledger", "confirm", &key])["confirmed"], true);
    assert_eq!(ana.json(&["ledger", "members"])[0]["devices"].as_array().unwrap().len(), 2);

    ana.one(&["devices", "--sign-out", "lost"]);
    let revoked = ana.one(&["devices", "--revoke", "lost"]);
    assert_eq!(
        (&revoked["revoked"], &revoked["left_in"], &revoked["synced"]),
        (&json!(true), &json!([]), &json!(true))
    );
    assert_eq!(ana.json(&["ledger", "members"])[0]["devices"].as_array().unwrap().len(), 1);
    lost.add(&["1.00", "Kiosk"]);
    assert_eq!(lost.refused(&["sync"]).0, "signed_out");
    lost.one_with(&["login", "--name", "thief"], crate::home::PASSWORD);
    lost.run(&["sync"]);
    ana.one(&["sync"]);
    assert_eq!(ana.list().len(), 1, "also with the password it writes nowhere");
}

#[test]
fn sharing_for_people() {
    let server = Server::start();
    let (ana, ben) = ana_and_ben(&server);
    let invited = ana.run(&["ledger", "invite"]);
    assert_eq!((invited.code, invited.err.as_str()), (0, ""), "{invited:?}");
    let command = invited.out.lines().find_map(|line| line.strip_prefix("outlay ledger join ")).unwrap();
    let joined = ben.run(&["ledger", "join", command]);
    assert!(joined.out.contains("Home") && joined.out.contains("editor"), "{joined:?}");
    let members = ben.run(&["ledger", "members"]);
    assert!(members.out.contains("owner") && members.out.contains("you"), "{members:?}");
    assert!(ben.run(&["ledger", "leave"]).out.contains("stays"));
}
