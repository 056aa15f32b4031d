//! Requests made of the description, by the hundred: whether the server answers as it says there.
//!
//! The requests come from schemathesis, with a fixed seed and so many of them; `tests/api/hooks.py` puts some of each page
//! in order, with ids that are there. Left out is what would sign everybody out, and what does not end: other tests have it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use outlay_ledger::hex;
use outlay_protocol::proof;
use serde_json::{Value, json};

use crate::description::{committed, operations};
use crate::support::{Device, PASSWORD, Server, proved, request};
use crate::tenants::Tenant;

/// The program, where `make setup` puts it unless told otherwise.
const PROGRAM: &str = "OUTLAY_SCHEMATHESIS";
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,ignored_auth,unsupported_method,\
    allow_header_conformance,object_level_authorization";
const LEFT_OUT: [&str; 5] = ["auth_sign_out", "events_events", "sessions_end_sessions", "me_remove", "sync_upgrade"];
/// Of each page and each way to make requests: a run of some ninety seconds.
const EXAMPLES: &str = "60";
/// Far more than are made.
const MANY: &str = "1000000";

#[test]
#[ignore = "needs schemathesis, which make setup installs; make test runs it"]
fn the_server_answers_as_it_is_described() {
    let program = std::env::var(PROGRAM).unwrap_or_else(|_| panic!("{PROGRAM} says where schemathesis is"));
    let folder = tempfile::tempdir().unwrap();
    let (mails, tally) = (folder.path().join("mails"), folder.path().join("tally"));
    let server = Server::start(
        &[
            ["--mail-folder", mails.to_str().unwrap(), "--mail-from", "outlay@example.net"].as_slice(),
            &["--address-requests-per-minute", MANY, "--person-requests-per-minute", MANY],
            &["--session-requests-per-minute", MANY, "--account-requests-per-minute", MANY],
            &["--access-token-seconds", "86400", "--address-mails-per-hour", "1000"],
        ]
        .concat(),
    );
    let [ana, ben] = [(1, "ana"), (2, "ben")].map(|(number, name)| Tenant::settle(&server, number, name));
    let signer = sign_devices(&server.address, &ana.phone);
    let facts = json!({
        "url": format!("http://{}", server.address), "password": PASSWORD, "mails": mails, "tally": tally,
        "signer": signer, "ana": shown(&ana), "ben": shown(&ben), "invitation": ben.invitation_for(&ana.phone),
    });
    let peers = json!({ "auth": [bearer("ana", &ana.account.access), bearer("ben", &ben.account.access)] });
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let facts = write("facts.json", &facts.to_string());
    write("peers.json", &peers.to_string());
    let config = "[auth.wfc]\npath = \"peers.json\"\nuser = \"ana\"\npeers = [\"ana\", \"ben\"]\n";
    let config = write("schemathesis.toml", config);
    let mut run = Command::new(program);
    // Of a description that it fetches it leaves the page out that it came from.
    let description = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    run.arg("--config-file")
        .arg(config)
        .arg("run")
        .arg(description)
        .arg("--url")
        .arg(format!("http://{}", server.address));
    run.args(["--seed", "4", "--max-examples", EXAMPLES, "--phases", "coverage,fuzzing", "--checks", CHECKS]);
    run.args(["--generation-database", "none", "--no-color", "--continue-on-failure"]);
    LEFT_OUT.iter().for_each(|name| _ = run.args(["--exclude-operation-id", name]));
    run.env("OUTLAY_FACTS", facts).env("SCHEMATHESIS_HOOKS", "hooks").current_dir(folder.path());
    run.env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api")).env("PYTHONDONTWRITEBYTECODE", "1");
    let status = run.status().unwrap();
    assert!(status.success(), "the answers above are not as described; `make api` shows what is");
    everything_has_succeeded(&std::fs::read_to_string(tally).unwrap());
}

/// Pages that only ever refused were not tried.
fn everything_has_succeeded(tally: &str) {
    let mut answers: BTreeMap<&str, usize> = BTreeMap::new();
    for (label, status) in tally.lines().filter_map(|line| line.rsplit_once(' ')) {
        *answers.entry(label).or_default() += usize::from(status.starts_with('2'));
    }
    let description = committed();
    let is_in = |operation: &Value| LEFT_OUT.iter().all(|name| operation["operationId"] != *name);
    let wanted = operations(&description).into_iter().filter(|(_, _, operation)| is_in(operation));
    let labels = wanted.map(|(path, method, _)| format!("{} {path}", method.to_uppercase()));
    let missing: Vec<String> =
        labels.filter(|label| answers.get(label.as_str()).is_none_or(|count| *count == 0)).collect();
    assert!(missing.is_empty(), "these have never answered with success: {missing:#?}");
}

fn shown(tenant: &Tenant) -> Value {
    json!({
        "access": tenant.account.access, "ledger": tenant.ledger.to_string(), "expense": tenant.expense,
        "id": tenant.session, "key": tenant.tablet.key(), "hash": tenant.hash(), "invite": tenant.invite.public().to_string(), "file": hex::encode(&tenant.file),
    })
}

fn bearer(name: &str, token: &str) -> Value {
    json!({ "name": name, "fixedHeaders": [{ "name": "Authorization", "value": format!("Bearer {token}") }] })
}

/// Makes what only devices can, for each line: of `further` and an access token the body that signs a further device in, of
/// `sign-in` and an address a device that signs in by it. Ends with the process.
fn sign_devices(server: &str, device: &Device) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (server, device) = (server.to_owned(), device.elsewhere(0));
    std::thread::spawn(move || {
        for (number, stream) in (100..).zip(listener.incoming()) {
            let (mut stream, mut line) = (stream.unwrap(), String::new());
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let (what, about) = line.trim().split_once(' ').unwrap();
            let made = Device::new(number);
            let body = match what {
                "further" => further_device(&server, &device, &made, about),
                _ => proved(&server, about, &made, "tablet"),
            };
            stream.write_all(body.to_string().as_bytes()).unwrap();
        }
    });
    address
}

fn further_device(server: &str, device: &Device, further: &Device, token: &str) -> Value {
    let told = request(server, "GET", "/v1/server", &[], b"").json();
    let nonce = hex::fixed(told["nonce"].as_str().unwrap()).unwrap();
    let id = hex::fixed(told["id"].as_str().unwrap()).unwrap();
    let digest = proof::further_device_digest(&id, &nonce, token, &further.public());
    let proof = |by: &Device| hex::encode(&by.secret.sign_digest(&digest));
    json!({
        "key": further.key(), "nonce": hex::encode(&nonce), "proof": proof(device), "further_proof": proof(further),
    })
}
