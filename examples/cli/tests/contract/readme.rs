//! The commands of README.md are run as they stand there.

use std::process::Command;

use crate::home::{Home, PASSWORD, Ran, outlay};
use crate::server::Server;

const README: &str = include_str!("../../../../README.md");
const SERVER: &str = "http://127.0.0.1:8787";

/// The commands of a section that begin with a word, without their comments.
fn commands(section: &str, program: &str) -> Vec<&'static str> {
    let heading = format!("\n## {section}\n");
    let section = README.split_once(&heading).expect("the section is there").1;
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let lines = section.lines().map(|line| line.split_once(" #").map_or(line, |(command, _)| command).trim());
    let begins = format!("{program} ");
    lines.filter(|line| line.starts_with(&begins)).collect()
}

/// Words as a shell cuts them, as far as README.md needs it: double quotes.
fn words(command: &str) -> Vec<String> {
    let parts = command.split('"').enumerate();
    let words = parts.flat_map(|(place, part)| match place % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.skip(1).collect()
}

fn run(home: &Home, command: &str) -> Ran {
    let mut program: Command = outlay();
    program.env("OUTLAY_HOME", home.path()).env("OUTLAY_PASSWORD", PASSWORD).current_dir(home.beside(""));
    program.args(words(command)).output().unwrap().into()
}

#[test]
fn the_commands_of_the_readme_do_what_they_say() {
    let home = Home::bare();
    home.file("statement.csv", "Date,Payee,Amount\n2026-11-05,Grocers,-12.30\n2026-11-06,Corner Café,-8.00\n");
    let commands = commands("On the command line", "outlay");
    assert!(commands.len() >= 9, "{commands:#?}");
    for command in commands {
        let ran = run(&home, command);
        // The id in it is somebody else's.
        let expected = i32::from(command.contains("3f2a9c01"));
        assert_eq!(ran.code, expected, "{command}: {}", ran.err);
    }
}

#[test]
fn the_commands_about_the_server_do_what_they_say() {
    let server = Server::start();
    let home = Home::bare();
    home.run(&["add", "12.50", "Café"]);
    let commands = commands("With a server", "outlay");
    assert!(commands.len() >= 8, "{commands:#?}");
    for command in commands.into_iter().filter(|command| !command.contains("--watch")) {
        let ran = run(&home, &command.replace(SERVER, &server.url));
        assert_eq!(ran.code, 0, "{command}: {}", ran.err);
    }
    let phone: Ran = outlay().arg("--home").arg(home.beside("phone")).arg("list").output().unwrap().into();
    assert!(phone.out.contains("Café"), "{phone:?}");
}
