//! Where the value of an option comes from: the command line before the environment before a file before the default.
//!
//! There is one list of options, that of the command line ([`Cli`]). The environment has them by the variables named
//! there, a file (TOML) by their names with `_` for `-`; what a file says is read as a default of the command line, so that
//! all three are parsed and refused alike. A secret can be given as a file that holds it: `--secret-file`,
//! `OUTLAY_SECRET_FILE` or `secret_file`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, Error, FromArgMatches, ValueHint};
use zeroize::Zeroizing;

use super::{Cli, Command, ConfigCommand, Serve};

/// What platforms that run programs say where to listen.
const PORT: &str = "PORT";
/// What the name of an option ends in that names a file with the secret.
const FILE_SUFFIX: &str = "_file";
/// Bytes of a file with a secret, and of one with options: more is another file.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// What the program was told.
#[derive(Debug)]
pub struct Told {
    /// What to do.
    pub command: Command,
    /// The options of that, in the order of `--help`.
    pub settings: Vec<Setting>,
}

/// An option and its value.
#[derive(Debug)]
pub struct Setting {
    name: String,
    value: Option<toml::Value>,
    origin: Origin,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Flag,
    Variable(String),
    File(PathBuf),
    Default,
}

/// Values that the command line takes when neither it nor the environment has one.
#[derive(Default)]
struct Defaults(BTreeMap<String, (Vec<String>, Origin)>);

/// Reads the command line, the environment and the file that they name.
///
/// # Errors
///
/// What is to be told to whoever has started the program. It names the option, and holds no secret.
pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Told, Error> {
    let words: Vec<OsString> = words.into_iter().collect();
    let options = options();
    let matches = options.clone().try_get_matches_from(&words)?;
    let mut defaults = match leaf(&matches).get_one::<PathBuf>("config") {
        Some(path) => Defaults::of_file(&options, path)?,
        None => Defaults::default(),
    };
    defaults.take_port(&options, leaf(&matches))?;
    let matches = defaults.apply(options.clone()).try_get_matches_from(&words)?;
    let settings = settings(&defaults.apply(options.clone()), &matches, &defaults);
    let matches = match secrets(&options, leaf(&matches))? {
        None => matches,
        Some(secrets) => secrets.apply(defaults.apply(options.clone())).try_get_matches_from(words)?,
    };
    let command = Cli::from_arg_matches(&matches)?.command;
    if let Some(serve) = serving(&command) {
        serve.check().map_err(|reason| refused(&options, &reason))?;
    }
    Ok(Told { command, settings })
}

fn serving(command: &Command) -> Option<&Serve> {
    match command {
        Command::Serve(serve) | Command::Config(ConfigCommand::Check(serve) | ConfigCommand::Print(serve)) => {
            Some(serve)
        }
        _ => None,
    }
}

/// The options of the command line, and one more for each secret. None is required: a file may have it.
fn options() -> clap::Command {
    everywhere(Cli::command(), &|command| {
        let secrets: Vec<Arg> = command.get_arguments().filter(|arg| arg.is_hide_env_values_set()).cloned().collect();
        let command = command.mut_args(|arg| arg.required(false));
        command.args(secrets.iter().map(of_file))
    })
}

fn of_file(secret: &Arg) -> Arg {
    let id = format!("{}{FILE_SUFFIX}", secret.get_id());
    let flag = id.replace('_', "-");
    let variable = secret.get_env().map(|variable| format!("{}_FILE", variable.to_string_lossy()));
    let help = format!("The file with what --{} takes", secret.get_id().as_str().replace('_', "-"));
    let arg = Arg::new(id).long(flag).help(help).value_hint(ValueHint::FilePath);
    let arg = arg.value_parser(clap::value_parser!(PathBuf));
    if let Some(variable) = variable { arg.env(variable) } else { arg }
}

fn everywhere(command: clap::Command, change: &dyn Fn(clap::Command) -> clap::Command) -> clap::Command {
    change(command).mut_subcommands(|command| everywhere(command, change))
}

/// What was said to the innermost command.
fn leaf(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, inner)| leaf(inner))
}

fn refused(options: &clap::Command, reason: &str) -> Error {
    options.clone().error(ErrorKind::ValueValidation, reason)
}

impl Defaults {
    fn of_file(options: &clap::Command, path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        let text = contents(path).map_err(|error| refused(options, &format!("--config {shown}: {error}")))?;
        // The library's own text quotes the line, which may hold a secret.
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(0, |span| 1 + text[..span.start].matches('\n').count());
            refused(options, &format!("--config {shown}, line {line}: {}", error.message()))
        })?;
        let known = options.find_subcommand("serve").into_iter().flat_map(clap::Command::get_arguments);
        let known: Vec<&str> = known.map(|arg| arg.get_id().as_str()).filter(|id| *id != "config").collect();
        let mut defaults = Self::default();
        for (key, value) in table {
            if !known.contains(&key.as_str()) {
                return Err(refused(options, &format!("--config {shown}: there is no option {key}")));
            }
            let values = texts(value);
            let values = values.ok_or_else(|| refused(options, &format!("--config {shown}: {key} is no value")))?;
            defaults.0.insert(key, (values, Origin::File(path.to_owned())));
        }
        Ok(defaults)
    }

    fn take_port(&mut self, options: &clap::Command, matches: &ArgMatches) -> Result<(), Error> {
        let is_told = !matches!(source(matches, "listen"), Some(ValueSource::DefaultValue));
        let Some(port) = std::env::var_os(PORT).filter(|_| !is_told) else { return Ok(()) };
        let port: Option<u16> = port.to_str().and_then(|port| port.parse().ok());
        let port = port.ok_or_else(|| refused(options, "$PORT is no port"))?;
        let listen = (vec![format!("0.0.0.0:{port}")], Origin::Variable(PORT.to_owned()));
        self.0.insert("listen".to_owned(), listen);
        Ok(())
    }

    fn apply(&self, options: clap::Command) -> clap::Command {
        everywhere(options, &|command| {
            command.mut_args(|arg| match self.0.get(arg.get_id().as_str()) {
                Some((values, _)) => arg.default_values(values.clone()),
                None => arg,
            })
        })
    }
}

/// A value of a file as it would stand on the command line.
fn texts(value: toml::Value) -> Option<Vec<String>> {
    match value {
        toml::Value::Array(values) => values.into_iter().map(|value| Some(texts(value)?.concat())).collect(),
        toml::Value::String(text) => Some(vec![text]),
        toml::Value::Integer(number) => Some(vec![number.to_string()]),
        toml::Value::Boolean(claim) => Some(vec![claim.to_string()]),
        _ => None,
    }
}

/// The secrets that stand in files.
fn secrets(options: &clap::Command, matches: &ArgMatches) -> Result<Option<Defaults>, Error> {
    let mut secrets = Defaults::default();
    for id in matches.ids().filter_map(|id| id.as_str().strip_suffix(FILE_SUFFIX)) {
        let Some(path) = matches.get_one::<PathBuf>(&format!("{id}{FILE_SUFFIX}")) else { continue };
        let flag = id.replace('_', "-");
        if source(matches, id).is_some() {
            return Err(refused(options, &format!("--{flag} and --{flag}-file are given; one is enough")));
        }
        let text =
            contents(path).map_err(|error| refused(options, &format!("--{flag}-file {}: {error}", path.display())))?;
        secrets.0.insert(id.to_owned(), (vec![text.trim_end().to_owned()], Origin::File(path.clone())));
    }
    Ok((!secrets.0.is_empty()).then_some(secrets))
}

fn contents(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let bytes = std::fs::metadata(path)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(std::io::Error::other(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(Zeroizing::new(std::fs::read_to_string(path)?))
}

/// Like [`ArgMatches::value_source`], for an option that this command may not have.
fn source(matches: &ArgMatches, id: &str) -> Option<ValueSource> {
    matches.ids().find(|known| known.as_str() == id).and_then(|_| matches.value_source(id))
}

fn settings(options: &clap::Command, matches: &ArgMatches, defaults: &Defaults) -> Vec<Setting> {
    let (mut command, mut matches) = (options, matches);
    while let Some((name, inner)) = matches.subcommand() {
        command = command.find_subcommand(name).unwrap_or(command);
        matches = inner;
    }
    let kept = command.get_arguments().filter(|arg| !matches!(arg.get_action(), ArgAction::Help | ArgAction::Version));
    kept.map(|arg| setting(arg, matches, defaults)).collect()
}

fn setting(arg: &Arg, matches: &ArgMatches, defaults: &Defaults) -> Setting {
    let id = arg.get_id().as_str();
    let origin = match source(matches, id) {
        Some(ValueSource::CommandLine) => Origin::Flag,
        Some(ValueSource::EnvVariable) => {
            Origin::Variable(arg.get_env().unwrap_or_default().to_string_lossy().into_owned())
        }
        _ => defaults.0.get(id).map_or(Origin::Default, |(_, origin)| origin.clone()),
    };
    let raw = source(matches, id).and_then(|_| matches.get_raw(id));
    let mut values = raw.into_iter().flatten().map(|raw| value(&raw.to_string_lossy()));
    let value = if arg.is_hide_env_values_set() {
        values.next().map(|_| toml::Value::String("(secret)".to_owned()))
    } else if matches!(arg.get_action(), ArgAction::Append) {
        Some(toml::Value::Array(values.collect()))
    } else {
        values.next()
    };
    Setting { name: id.to_owned(), value, origin }
}

fn value(raw: &str) -> toml::Value {
    let number = raw.parse().map(toml::Value::Integer).ok();
    let claim = raw.parse().map(toml::Value::Boolean).ok();
    number.or(claim).unwrap_or_else(|| toml::Value::String(raw.to_owned()))
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            None => write!(f, "# {} is not set", self.name),
            // A line of a file for --config must not put the wrong secret in.
            Some(value) if value.as_str() == Some("(secret)") => {
                write!(f, "# {} = (secret)  # {}", self.name, self.origin)
            }
            Some(value) => write!(f, "{} = {value}  # {}", self.name, self.origin),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("command line"),
            Self::Variable(name) => write!(f, "${name}"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_the_variable_of_its_name() {
        let options = options();
        let serve = options.find_subcommand("serve").unwrap();
        for arg in serve.get_arguments().filter(|arg| arg.get_id() != "help") {
            let expected = format!("OUTLAY_{}", arg.get_id().as_str().to_uppercase());
            assert_eq!(arg.get_env().and_then(|name| name.to_str()), Some(expected.as_str()), "{}", arg.get_id());
        }
    }
}
