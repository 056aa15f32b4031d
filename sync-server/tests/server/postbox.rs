//! A mail server on a free port: it speaks SMTP over a real socket, one connection at a time and as a test tells it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::certificate::Authority;
use crate::support::PATIENCE;

pub(crate) struct Postbox {
    connections: Receiver<TcpStream>,
    pub(crate) url: String,
}

/// A mail as it arrived.
#[derive(Debug)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) text: String,
}

impl Mail {
    pub(crate) fn subject(&self) -> &str {
        self.text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap()
    }

    /// The token, on its line.
    pub(crate) fn token(&self) -> String {
        let is_token = |line: &&str| line.len() == 36 && (line.starts_with("op1_") || line.starts_with("ov1_"));
        self.text.lines().find(is_token).unwrap_or_else(|| panic!("no token in {}", self.text)).to_owned()
    }
}

impl Postbox {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let (sender, connections) = channel();
        // Ends with the first connection that no test waits for any more, or with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if sender.send(stream.unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { connections, url }
    }

    /// The options with which a server sends its mail here.
    pub(crate) fn options(&self) -> Vec<&str> {
        vec!["--mail-from", "Outlay <outlay@example.net>", "--mail-retry-delay-seconds", "0", "--smtp-url", &self.url]
    }

    /// The next connection, which is told nothing.
    pub(crate) fn accept(&self) -> TcpStream {
        let stream = self.connections.recv_timeout(PATIENCE).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Whether nothing has come.
    pub(crate) fn is_empty(&self) -> bool {
        self.connections.try_recv().is_err()
    }

    /// Takes the next mail.
    pub(crate) fn receive(&self) -> Mail {
        self.converse("250 taken").unwrap_or_else(|said| panic!("no mail, but {said:?}"))
    }

    /// Takes the next mail that is for an address and has a subject, and nothing may come before it.
    pub(crate) fn receive_for(&self, to: &str, subject: &str) -> Mail {
        let mail = self.receive();
        assert_eq!((mail.to.as_str(), mail.subject()), (to, subject), "{mail:?}");
        mail
    }

    /// Refuses the next mail by an answer to its recipient, and says what was said until then.
    pub(crate) fn refuse(&self, answer: &str) -> Vec<String> {
        self.converse(answer).err().unwrap()
    }

    /// Takes the next mail after STARTTLS, with a certificate of this authority. What was said, if none comes.
    pub(crate) fn receive_by_starttls(&self, authority: &Authority) -> Result<Mail, Vec<String>> {
        let mut stream = BufReader::new(self.accept());
        let mut said = Vec::new();
        say(&mut stream, "220 postbox");
        while let Some(line) = hear(&mut stream) {
            let is_starting = line == "STARTTLS";
            let answer = if is_starting { "220 go on" } else { "250-postbox\r\n250 STARTTLS" };
            said.push(line);
            if !say(&mut stream, answer) || is_starting {
                break;
            }
        }
        let session = ServerConnection::new(Arc::new(certified(authority))).unwrap();
        talk(StreamOwned::new(session, stream.into_inner()), "250 taken").map_err(|more| [said, more].concat())
    }

    /// Speaks with who comes next, and answers a recipient so. What was said, if that is no mail.
    fn converse(&self, to_recipient: &str) -> Result<Mail, Vec<String>> {
        let mut stream = self.accept();
        stream.write_all(b"220 postbox\r\n").unwrap();
        talk(stream, to_recipient)
    }
}

fn certified(authority: &Authority) -> ServerConfig {
    let (chain, key) = authority.certificate_of_this_machine();
    let chain = vec![CertificateDer::from_pem_slice(&chain).unwrap()];
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(&key).unwrap())
        .unwrap()
}

/// Says something, if anybody hears it still.
fn say(stream: &mut BufReader<impl Read + Write>, text: &str) -> bool {
    stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).is_ok()
}

/// The next line without its end; none after the last.
fn hear(stream: &mut BufReader<impl Read>) -> Option<String> {
    let mut line = String::new();
    match stream.read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
    }
}

/// Speaks with a client from EHLO on. What was said, if that is no mail.
fn talk(stream: impl Read + Write, to_recipient: &str) -> Result<Mail, Vec<String>> {
    let mut stream = BufReader::new(stream);
    let (mut said, mut text) = (Vec::new(), None);
    while let Some(line) = hear(&mut stream) {
        let is_heard = match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => say(&mut stream, "250-postbox\r\n250 8BITMIME"),
            "MAIL" => say(&mut stream, "250 go on"),
            "RCPT" => say(&mut stream, to_recipient),
            "DATA" => {
                say(&mut stream, "354 go on");
                let unstuffed = |line: String| line.strip_prefix('.').map_or(line.clone(), str::to_owned);
                let lines = std::iter::from_fn(|| hear(&mut stream)).take_while(|line| line != ".");
                text = Some(lines.map(unstuffed).collect::<Vec<String>>().join("\n"));
                say(&mut stream, "250 taken")
            }
            _ => say(&mut stream, "221 bye"),
        };
        said.push(line);
        if !is_heard || said.last().is_some_and(|line| line == "QUIT") {
            break;
        }
    }
    let address = |verb: &str| said.iter().find_map(|line| line.strip_prefix(verb)?.split(['<', '>']).nth(1));
    match (text, address("MAIL FROM:"), address("RCPT TO:")) {
        (Some(text), Some(from), Some(to)) => Ok(Mail { from: from.to_owned(), to: to.to_owned(), text }),
        _ => Err(said),
    }
}
