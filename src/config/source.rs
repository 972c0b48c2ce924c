//! What was set, and where: `jean.toml` with the place of every key, then the environment, then the program's own values.
//!
//! The layers become one figment dictionary. figment stops at the first value that does not fit, so [`Source::extract`]
//! tells that one, leaves it out and goes on, until the rest fits: then every misfit has been told.

use std::collections::BTreeMap;

use figment::error::{Actual, Kind};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problem, Problems, nearest};

/// Where a key and its value were written; the same for both if a variable set it.
#[derive(Clone)]
struct Places {
    key: Place,
    value: Place,
}

/// The values that were set, and the place of each.
#[derive(Clone, Default)]
pub(super) struct Source {
    file: String,
    values: Dict,
    /// By the key with its tables.
    places: BTreeMap<String, Places>,
    /// The variables that a platform sets for a service of our name, and that are no keys.
    injected: Vec<String>,
}

impl Provider for Source {
    fn metadata(&self) -> Metadata {
        Metadata::named("configuration")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

impl Source {
    /// Reads a file's text.
    pub(super) fn from_toml(text: &str, file: &str) -> Result<Self, Problems> {
        let mut source = Source { file: file.to_owned(), ..Source::default() };
        let at = |offset| {
            let (line, column) = line_and_column(text, offset);
            Place::Line(file.to_owned(), line, column)
        };
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut problems = Problems::default();
        let mut told = 0;
        for error in errors {
            let start = error.span().map_or(0, |span| span.start);
            let (line, _) = line_and_column(text, start);
            // What follows on the same line is mostly a consequence.
            if line != told {
                problems.push(Problem::with_file(at(start), format!("is not TOML: {}", error.message())));
                told = line;
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        source.values = convert_table(table.get_ref(), "", &at, &mut source.places);
        Ok(source)
    }

    /// Lays the environment over it: what a hosting platform sets first, then every `JEAN_TABLE__KEY`. Empty variables
    /// count as left out, unless they say who may come in.
    pub(super) fn apply_environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        let is_set = |(name, value): &(String, String)| !value.is_empty() || admits_people(name);
        let variables: BTreeMap<_, _> = variables.into_iter().filter(is_set).collect();
        if let Some(url) = variables.get("RENDER_EXTERNAL_URL") {
            let port = self.text("listen").and_then(|listen| listen.rsplit_once(':')).map_or("8080", |(_, port)| port);
            let listen = format!("0.0.0.0:{port}");
            self.put_environment("listen", listen, "RENDER_EXTERNAL_URL");
            self.put_environment("public_url", url.clone(), "RENDER_EXTERNAL_URL");
        }
        if let Some(port) = variables.get("PORT") {
            self.put_environment("listen", format!("0.0.0.0:{port}"), "PORT");
        }
        for (name, value) in &variables {
            let Some(key) = name.strip_prefix("JEAN_").filter(|_| !is_reserved(name)) else { continue };
            if is_injected(name, value) {
                self.injected.push(name.clone());
                continue;
            }
            let key = self.spelled(&key.replace("__", "."));
            self.put_environment(&key, value.clone(), name);
        }
    }

    /// The variables that were left out because a platform sets them for a service named jean.
    pub(super) fn injected(&self) -> &[String] {
        &self.injected
    }

    fn put_environment(&mut self, key: &str, value: String, variable: &str) {
        self.put(key, value, Place::Environment(variable.to_owned()));
    }

    /// Sets one value; `key` has dots between its tables.
    pub(super) fn put(&mut self, key: &str, value: String, place: Place) {
        let (tables, last) = key.rsplit_once('.').map_or((None, key), |(tables, last)| (Some(tables), last));
        let mut dict = &mut self.values;
        for table in tables.into_iter().flat_map(|tables| tables.split('.')) {
            let entry = dict.entry(table.to_owned()).or_insert_with(|| Value::from(Dict::new()));
            if entry.as_dict().is_none() {
                *entry = Value::from(Dict::new());
            }
            let Value::Dict(_, inner) = entry else { return };
            dict = inner;
        }
        dict.insert(last.to_owned(), Value::from(value));
        self.places.insert(key.to_owned(), Places { key: place.clone(), value: place });
    }

    /// A variable's key as the file spells it, where the file has it: variables know no lower case and no hyphen.
    fn spelled(&self, variable: &str) -> String {
        let mut dict = Some(&self.values);
        let mut parts = Vec::new();
        for part in variable.split('.') {
            let same = |key: &&String| key.replace('-', "_").eq_ignore_ascii_case(part);
            let key =
                dict.and_then(|dict| dict.keys().find(same)).cloned().unwrap_or_else(|| part.to_ascii_lowercase());
            dict = dict.and_then(|dict| dict.get(&key)).and_then(Value::as_dict);
            parts.push(key);
        }
        parts.join(".")
    }

    /// Reads everything that fits into a `T` and tells what does not.
    pub(super) fn extract<T: DeserializeOwned + Default>(&self, problems: &mut Problems) -> T {
        let mut rest = self.clone();
        loop {
            // Lossy: text that reads as a number or a boolean is one, since the environment knows nothing but text.
            let errors = match Figment::from(&rest).extract_lossy() {
                Ok(value) => return value,
                Err(errors) => errors,
            };
            for error in errors {
                let removed = remove(&mut rest.values, &error.path);
                problems.push(self.misfit(&error));
                if !removed {
                    return T::default();
                }
            }
        }
    }

    /// A problem with the value of `key`.
    pub(super) fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        let place =
            self.nearest_place(key).map_or_else(|| Place::File(self.file.clone()), |places| places.value.clone());
        let value = self.shown(key);
        Problem { place, key: key.to_owned(), value, message: message.into(), meant: None }
    }

    /// The keys that were set in a table.
    pub(super) fn keys(&self, table: &str) -> Vec<&str> {
        self.find(table).and_then(Value::as_dict).into_iter().flatten().map(|(key, _)| key.as_str()).collect()
    }

    /// The place of a key, for putting tables into the order of the file.
    pub(super) fn order(&self, key: &str) -> Option<&Place> {
        self.places.get(key).map(|places| &places.key)
    }

    /// The place where the value of `key` was set, in brackets; empty for a default.
    pub(super) fn origin(&self, key: &str) -> String {
        self.places.get(key).map(|places| format!(" ({})", places.value)).unwrap_or_default()
    }

    /// The file that was read.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    fn misfit(&self, error: &figment::Error) -> Problem {
        let key = error.path.join(".");
        let message = match &error.kind {
            Kind::UnknownField(word, known) => return self.unknown(key, word, known),
            Kind::InvalidType(actual, expected) => {
                format!("is {}; must be {}", kind_of(actual), in_words(expected, &error.path))
            }
            Kind::InvalidValue(_, expected) => format!("must be {}", in_words(expected, &error.path)),
            Kind::Message(message) => message.clone(),
            other => other.to_string(),
        };
        self.problem(&key, message)
    }

    fn unknown(&self, key: String, word: &str, known: &'static [&'static str]) -> Problem {
        let place = self.nearest_place(&key).or_else(|| self.place_below(&key));
        let place = place.map_or_else(|| Place::File(self.file.clone()), |places| places.key.clone());
        let flat = known.iter().find_map(|table| {
            let rest = word.strip_prefix(table)?.strip_prefix('_')?;
            matches!(place, Place::Environment(_)).then(|| format!("{table}__{rest}").to_ascii_uppercase())
        });
        let nearest = nearest(word, known);
        let message = match (flat, nearest) {
            (Some(name), _) => format!("unknown key; a table's name is followed by two underscores: JEAN_{name}"),
            (None, Some(nearest)) => format!("unknown key; did you mean {nearest}?"),
            (None, None) => format!("unknown key; the keys here are {}", known.join(", ")),
        };
        let message = match &place {
            Place::Environment(variable) => format!("{message}; if it is not meant for jean, unset {variable}"),
            _ => message,
        };
        let meant = nearest.map(|nearest| match key.rsplit_once('.') {
            Some((tables, _)) => format!("{tables}.{nearest}"),
            None => nearest.to_owned(),
        });
        Problem { place, key, value: None, message, meant }
    }

    /// The place of `key`, or of the innermost table around it that has one.
    fn nearest_place(&self, key: &str) -> Option<&Places> {
        self.places.get(key).or_else(|| self.nearest_place(key.rsplit_once('.')?.0))
    }

    /// The place of the first key in the table `key`, which has none itself if variables made it.
    fn place_below(&self, key: &str) -> Option<&Places> {
        let table = format!("{key}.");
        let (first, places) = self.places.range(table.clone()..).next()?;
        first.starts_with(&table).then_some(places)
    }

    /// The value at `key`; within a text that was read as a list, the text.
    fn find(&self, key: &str) -> Option<&Value> {
        let mut parts = key.split('.');
        let mut value = self.values.get(parts.next()?)?;
        for part in parts {
            value = match value {
                Value::Dict(_, dict) => dict.get(part)?,
                Value::Array(_, items) => items.get(part.parse::<usize>().ok()?)?,
                _ => return Some(value),
            };
        }
        Some(value)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.find(key).and_then(Value::as_str)
    }

    /// A plain value as it may be printed.
    fn shown(&self, key: &str) -> Option<String> {
        let text = match self.find(key)? {
            Value::String(_, text) => format!("{text:?}"),
            Value::Bool(_, value) => value.to_string(),
            Value::Num(_, number) => match (number.to_i128(), number.to_f64()) {
                (Some(number), _) => number.to_string(),
                (None, number) => number.unwrap_or_default().to_string(),
            },
            _ => return None,
        };
        Some(if is_secret(key) { "(hidden)".into() } else { text })
    }
}

/// Variables that are not keys: the program's own, and the tests'.
fn is_reserved(name: &str) -> bool {
    matches!(name, "JEAN_CONFIG" | "JEAN_LOG") || name.starts_with("JEAN_TEST_")
}

/// Whether Kubernetes or a container link sets this variable for a service named jean: `JEAN_SERVICE_HOST`,
/// `JEAN_SERVICE_PORT`, the same with a port's name, `JEAN_PORT` with an address, and `JEAN_PORT_8080_TCP` with what
/// Docker puts behind it. No key is spelled like one of these, and a misspelled key with two underscores is none either.
fn is_injected(name: &str, value: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let of_the_service = |rest: &str| match rest.strip_prefix("PORT_") {
        Some(port) => port.split('_').all(is_word),
        None => matches!(rest, "HOST" | "PORT"),
    };
    let of_a_port = |rest: &str| {
        let parts: Vec<&str> = rest.split('_').collect();
        let [port, protocol, about @ ..] = parts.as_slice() else { return false };
        let is_port = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        let is_known = matches!(about, [] | ["PROTO" | "PORT" | "ADDR" | "START" | "END"] | ["PORT", "START" | "END"]);
        is_port && matches!(*protocol, "TCP" | "UDP" | "SCTP") && is_known
    };
    name == "JEAN_PORT" && value.starts_with("tcp://")
        || name.strip_prefix("JEAN_SERVICE_").is_some_and(of_the_service)
        || name.strip_prefix("JEAN_PORT_").is_some_and(of_a_port)
}

/// Whether a variable is one of the lists of `[access]`: left out, an empty one would let everyone in.
fn admits_people(name: &str) -> bool {
    let key = name.strip_prefix("JEAN_").unwrap_or_default();
    ["ACCESS__EMAILS", "ACCESS__EMAIL_DOMAINS"].iter().any(|list| key.eq_ignore_ascii_case(list))
}

/// Whether a key's value may be a secret, misspelled keys included.
fn is_secret(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key);
    last == "database" || !last.ends_with("_file") && (last.contains("secret") || last.contains("password"))
}

/// Line and column of a byte, counted from 1, the column in characters.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn convert_table(
    table: &DeTable<'_>,
    path: &str,
    at: &impl Fn(usize) -> Place,
    places: &mut BTreeMap<String, Places>,
) -> Dict {
    let mut dict = Dict::new();
    for (name, value) in table {
        let key = joined(path, name.get_ref());
        let converted = convert(value, &key, at, places);
        places.insert(key, Places { key: at(name.span().start), value: at(value.span().start) });
        dict.insert(name.get_ref().to_string(), converted);
    }
    dict
}

fn convert(
    value: &Spanned<DeValue<'_>>,
    path: &str,
    at: &impl Fn(usize) -> Place,
    places: &mut BTreeMap<String, Places>,
) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::from(number),
            Err(_) => Value::from(number.to_string()),
        },
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) => Value::from(number),
            Err(_) => Value::from(number.to_string()),
        },
        DeValue::Boolean(value) => Value::from(*value),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Table(table) => Value::from(convert_table(table, path, at, places)),
        DeValue::Array(items) => {
            let mut converted = Vec::new();
            for (i, item) in items.iter().enumerate() {
                let key = joined(path, &i.to_string());
                converted.push(convert(item, &key, at, places));
                let place = at(item.span().start);
                places.insert(key, Places { key: place.clone(), value: place });
            }
            Value::from(converted)
        }
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Removes the innermost named key on the path; whether there was one.
fn remove(values: &mut Dict, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    values.get_mut(first).is_some_and(|value| remove_within(value, rest)) || values.remove(first).is_some()
}

fn remove_within(value: &mut Value, path: &[String]) -> bool {
    match value {
        Value::Dict(_, dict) => remove(dict, path),
        Value::Array(_, items) => path.split_first().is_some_and(|(index, rest)| {
            let item = index.parse::<usize>().ok().and_then(|index| items.get_mut(index));
            item.is_some_and(|item| remove_within(item, rest))
        }),
        _ => false,
    }
}

fn kind_of(actual: &Actual) -> &'static str {
    match actual {
        Actual::Bool(_) => "a boolean",
        Actual::Unsigned(_) | Actual::Signed(_) => "a whole number",
        Actual::Float(_) => "a fraction",
        Actual::Str(_) | Actual::Char(_) => "a text",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "something else",
    }
}

/// What serde expected, in the words of TOML.
fn in_words(expected: &str, path: &[String]) -> String {
    match (expected, path) {
        (_, [parent, _]) if expected.starts_with("struct") && ["upstream", "mcp"].contains(&parent.as_str()) => {
            format!("a table with a name of its own, as in [{parent}.NAME]")
        }
        ("a map", _) => "a table".into(),
        ("a sequence", _) => "a list".into(),
        ("a boolean", _) => "true or false".into(),
        ("a string" | "path string", _) => "a text in quotes".into(),
        ("u16", _) => "a whole number from 0 to 65535".into(),
        ("usize", _) => "a whole number, 0 or more".into(),
        _ if expected.starts_with("struct") => "a table".into(),
        _ => expected.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str, variables: &[(&str, &str)]) -> Source {
        let mut source = Source::from_toml(text, "jean.toml").unwrap();
        source.apply_environment(variables.iter().map(|(name, value)| (name.to_string(), value.to_string())));
        source
    }

    #[test]
    fn a_place_is_told_by_line_and_column_in_characters() {
        assert_eq!(line_and_column("a\né = 1", 6), (2, 4));
        let source = source("[tokens]\n  algorithm = \"é\"\n", &[]);
        assert_eq!(source.problem("tokens.algorithm", "").place, Place::Line("jean.toml".into(), 2, 15));
        assert_eq!(source.order("tokens.algorithm"), Some(&Place::Line("jean.toml".into(), 2, 3)));
        assert_eq!(source.problem("tokens.other", "").place, Place::Line("jean.toml".into(), 1, 1));
        assert_eq!(source.problem("guard", "").place, Place::File("jean.toml".into()));
    }

    #[test]
    fn broken_toml_is_told_with_its_place() {
        let told = Source::from_toml("listen = x y\n[tokens\n", "jean.toml").err().unwrap().to_string();
        let expected = [
            "jean.toml:1:10: is not TOML: string values must be quoted, expected literal string",
            "jean.toml:2:8: is not TOML: unclosed table, expected `]`",
        ];
        assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_variable_overrides_the_file_and_keeps_its_text() {
        let source = source(
            "[upstream.my-idp]\nclient_id = \"a\"\n",
            &[
                ("JEAN_UPSTREAM__MY_IDP__CLIENT_ID", "0123"),
                ("JEAN_UPSTREAM__NEW__CLIENT_ID", "true"),
                ("JEAN_SECRET", ""),
            ],
        );
        assert_eq!(source.text("upstream.my-idp.client_id"), Some("0123"));
        assert_eq!(source.text("upstream.new.client_id"), Some("true"));
        assert!(source.find("secret").is_none());
        let place = Place::Environment("JEAN_UPSTREAM__MY_IDP__CLIENT_ID".into());
        assert_eq!(source.problem("upstream.my-idp.client_id", "").place, place);
    }

    #[test]
    fn reserved_variables_are_no_keys() {
        let source =
            source("", &[("JEAN_CONFIG", "x"), ("JEAN_LOG", "debug"), ("JEAN_TEST_POSTGRES", "x"), ("PATH", "/bin")]);
        assert!(source.values.is_empty());
        assert!(source.injected().is_empty());
    }

    #[test]
    fn what_a_platform_sets_for_a_service_named_jean_is_no_key_and_told() {
        let injected = [
            ("JEAN_PORT", "tcp://10.0.0.1:8080"),
            ("JEAN_PORT_53_UDP", "udp://10.0.0.1:53"),
            ("JEAN_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("JEAN_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("JEAN_PORT_8080_TCP_END", "tcp://10.0.0.1:8081"),
            ("JEAN_PORT_8080_TCP_PORT", "8080"),
            ("JEAN_PORT_8080_TCP_PORT_START", "8080"),
            ("JEAN_PORT_8080_TCP_PROTO", "tcp"),
            ("JEAN_SERVICE_HOST", "10.0.0.1"),
            ("JEAN_SERVICE_PORT", "8080"),
            ("JEAN_SERVICE_PORT_HTTP", "8080"),
            ("JEAN_SERVICE_PORT_HTTP_2", "8080"),
        ];
        let source = source("", &injected);
        assert!(source.values.is_empty());
        assert_eq!(source.injected(), injected.map(|(name, _)| name));
    }

    #[test]
    fn what_only_looks_like_a_platform_s_variable_stays_a_key() {
        for (name, value) in [
            ("JEAN_PORT", "8080"),
            ("JEAN_PORT", "https://mcp.example.com"),
            ("JEAN_PORT", "x tcp://10.0.0.1:8080"),
            ("JEAN_PORT_", "8080"),
            ("JEAN_PORT_8080", "8080"),
            ("JEAN_PORT_HTTP", "8080"),
            ("JEAN_PORT_8080_HTTP", "8080"),
            ("JEAN_PORT_8080_TCP_ADDRESS", "10.0.0.1"),
            ("JEAN_PORT_8080_TCP_PORT_PORT", "8080"),
            ("JEAN_PORT__8080_TCP", "8080"),
            ("JEAN_SERVICE", "x"),
            ("JEAN_SERVICE_", "x"),
            ("JEAN_SERVICE_NAME", "x"),
            ("JEAN_SERVICE_HOSTS", "x"),
            ("JEAN_SERVICE__HOST", "x"),
            ("JEAN_SERVICE_PORT_", "x"),
            ("JEAN_SERVICE_PORT__HTTP", "x"),
            ("JEAN_SERVICE_PORT_http", "x"),
            ("JEAN_DB_SERVICE_HOST", "10.0.0.1"),
            ("JEAN_NAME", "/web/jean"),
            ("JEAN_ENV_PATH", "/bin"),
            ("JEAN_BIN", "/usr/bin/jean"),
            ("JEAN_HOME", "/home/jean"),
        ] {
            let source = source("", &[(name, value)]);
            assert_eq!(source.injected(), [""; 0], "{name}={value}");
            let mut problems = Problems::default();
            let _: crate::config::tables::Tables = source.extract(&mut problems);
            let told = problems.to_string();
            assert!(told.starts_with(&format!("environment {name}: ")), "{name}={value}: {told}");
            assert!(told.ends_with(&format!("; if it is not meant for jean, unset {name}")), "{name}={value}: {told}");
        }
    }

    #[test]
    fn an_empty_variable_counts_as_left_out_unless_it_says_who_may_come_in() {
        for name in ["JEAN_ACCESS__EMAILS", "JEAN_ACCESS__EMAIL_DOMAINS", "JEAN_access__emails"] {
            assert_eq!(source("", &[(name, "")]).keys("access").len(), 1, "{name}");
        }
        for name in ["JEAN_LISTEN", "JEAN_ACCESS__EVERYONE", "JEAN_ACCESS_EMAILS", "JEAN_BIN", "PORT"] {
            assert!(source("", &[(name, "")]).values.is_empty(), "{name}");
        }
    }

    #[test]
    fn a_platform_s_variables_lie_between_the_file_and_our_own() {
        let file = "listen = \"127.0.0.1:9000\"\npublic_url = \"http://localhost:9000\"\n";
        let read = |variables: &[(&str, &str)]| {
            let source = source(file, variables);
            [source.text("listen").unwrap().to_owned(), source.text("public_url").unwrap().to_owned()]
        };
        assert_eq!(read(&[("PORT", "10000")]), ["0.0.0.0:10000", "http://localhost:9000"]);
        let render = ("RENDER_EXTERNAL_URL", "https://x.onrender.com");
        assert_eq!(read(&[render]), ["0.0.0.0:9000", "https://x.onrender.com"]);
        assert_eq!(read(&[render, ("PORT", "1")]), ["0.0.0.0:1", "https://x.onrender.com"]);
        let own = [render, ("JEAN_LISTEN", "[::]:2"), ("JEAN_PUBLIC_URL", "https://example.com"), ("PORT", "1")];
        assert_eq!(read(&own), ["[::]:2", "https://example.com"]);
    }

    #[test]
    fn secrets_are_hidden_and_files_are_not() {
        let source = source(
            "secret = 1\nsecret_file = \"a\"\ndatabase = \"postgres://u:p@h/d\"\n[upstream]\nclient_secrt_password = \"x\"",
            &[],
        );
        assert_eq!(source.shown("secret").as_deref(), Some("(hidden)"));
        assert_eq!(source.shown("database").as_deref(), Some("(hidden)"));
        assert_eq!(source.shown("upstream.client_secrt_password").as_deref(), Some("(hidden)"));
        assert_eq!(source.shown("secret_file").as_deref(), Some("\"a\""));
    }
}
