//! Two people who share nothing: each with everything that pages can name, and a word of his own in all that he wrote.

use outlay_ledger::hex;
use outlay_ledger::member::{MemberOperation, Role};
use outlay_ledger::signature::DeviceSecret;
use outlay_ledger::{BlobHash, LedgerId};
use serde_json::{Value, json};

use crate::support::{Account, Device, Ledger, PASSWORD, Server, Socket, counts, pin, request};

/// One of the two.
pub(crate) struct Tenant {
    pub(crate) email: String,
    /// Stands in everything that he wrote, and nowhere else.
    pub(crate) canary: String,
    pub(crate) phone: Device,
    pub(crate) tablet: Device,
    pub(crate) account: Account,
    pub(crate) ledger: LedgerId,
    pub(crate) expense: String,
    /// A file in it.
    pub(crate) file: Vec<u8>,
    /// The id of an API token, and its text.
    pub(crate) token: (String, String),
    /// The id of a webhook.
    pub(crate) webhook: String,
    /// The session of a program.
    pub(crate) session: String,
    pub(crate) invite: DeviceSecret,
}

impl Tenant {
    pub(crate) fn settle(server: &Server, number: u8, name: &str) -> Self {
        let (email, canary) = (format!("{name}@example.org"), format!("canary{name}"));
        let (mut phone, tablet) = (Device::new(number), Device::new(number + 100));
        let account = server.sign_up(&email, &phone);
        let (ledger, invite) = ledger_of(server, &mut phone, &account, number);
        let mut tenant = Self {
            email,
            canary,
            phone,
            tablet,
            account,
            ledger,
            expense: String::new(),
            file: Vec::new(),
            token: Default::default(),
            webhook: String::new(),
            session: String::new(),
            invite,
        };
        tenant.write(server);
        tenant
    }

    fn write(&mut self, server: &Server) {
        let canary = self.canary.clone();
        let me = server.ask_with("PATCH", "/v1/me", &self.account, &json!({ "name": canary }), &[("if-match", "*")]);
        assert_eq!(me.status, 200, "{:?}", me.json());
        let text = |made: Value, key: &str| made[key].as_str().unwrap().to_owned();
        let spent = json!({
            "amount": { "minor": 123_457, "currency": "EUR" }, "date": "2026-11-02", "payee": canary, "note": canary,
            "category": canary, "account": canary, "tags": [canary],
        });
        let path = format!("/v1/ledgers/{}/expenses", self.ledger);
        self.expense = text(self.made(server, &path, &spent), "id");
        self.file = format!("{canary} on a receipt").into_bytes();
        let (path, bearer) = (self.file_page(), format!("Bearer {}", self.account.access));
        assert_eq!(request(&server.address, "PUT", &path, &[("authorization", &bearer)], &self.file).status, 201);
        let token = self.made(server, "/v1/tokens", &json!({ "name": canary, "scope": "write" }));
        self.token = (text(token.clone(), "id"), text(token, "token"));
        // Nothing is ever sent there: the address of that name is a private one.
        let url = format!("https://localhost/{canary}");
        let webhook = json!({ "ledger": self.ledger.to_string(), "url": url, "events": ["member.removed"] });
        self.webhook = text(self.made(server, "/v1/webhooks", &webhook), "id");
        server.log_in(&self.email, &self.tablet);
        let login = json!({ "email": self.email, "password": PASSWORD, "name": canary });
        assert_eq!(server.post("/v1/auth/login", &login).status, 200);
        let sessions = server.ask("GET", "/v1/sessions", &self.account, &Value::Null).json()["sessions"].clone();
        let program = sessions.as_array().unwrap().iter().find(|session| session["device"].is_null()).unwrap();
        self.session = text(program.clone(), "id");
    }

    /// The page of the file.
    pub(crate) fn file_page(&self) -> String {
        format!("/v1/ledgers/{}/blobs/{}", self.ledger, self.hash())
    }

    /// The hash of the file.
    pub(crate) fn hash(&self) -> String {
        BlobHash::of(&self.file).to_string()
    }

    fn made(&self, server: &Server, path: &str, body: &Value) -> Value {
        let made = server.ask("POST", path, &self.account, body);
        assert_eq!(made.status, 201, "{:?}", made.json());
        made.json()
    }

    /// What somebody shows who asks to join this one's ledger.
    pub(crate) fn invitation_for(&self, device: &Device) -> Value {
        let join = MemberOperation::join(&self.ledger, device.member(), device.public(), &self.invite);
        let MemberOperation::Join { invite_key, signature, .. } = join else { panic!("a join is one") };
        json!({ "invite_key": invite_key.to_string(), "signature": hex::encode(&signature) })
    }
}

/// A ledger that pins the server, with an invite.
fn ledger_of(server: &Server, phone: &mut Device, account: &Account, number: u8) -> (LedgerId, DeviceSecret) {
    let ledger = Ledger::of(phone, 0);
    let invite = DeviceSecret::from_bytes([200 + number; 32]);
    let pinned = phone.operation(ledger.id, &ledger.heads, &pin(server.identity().0));
    let operation =
        MemberOperation::Invite { invite_key: invite.public(), role: Role::Editor, member: None, expires_s: None };
    let invited = phone.operation(ledger.id, &[pinned.1], &operation);
    let mut socket = Socket::of(server, phone, account);
    socket.open(ledger.id, None, &[&ledger.commits[..], &[pinned.0, invited.0]].concat());
    assert_eq!(counts(&socket.acknowledged(1)), (3, 0, 0, None));
    (ledger.id, invite)
}
