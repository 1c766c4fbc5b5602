//! The functions that may be called, and what is known of each before it is.

use super::ty::Type;

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `f(x)`, or `name.space.f(x)`.
    Global,
    /// `x.f(y)`.
    Member,
}

/// What a member function is called on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    Anything,
    List,
    Optional,
    String,
    /// A string or a list.
    Sequence,
    /// A timestamp or a duration.
    Time,
    Timestamp,
}

/// A function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) on: On,
    /// How many arguments it takes, beside what it is called on.
    pub(super) n_args: &'static [usize],
    /// How many of the first arguments are texts.
    pub(super) n_texts: usize,
    pub(super) result: Type,
    /// Ours under this name, or the engine's under its own.
    pub(super) ours: Option<&'static str>,
}

/// Finds a function by its name, with its namespace, and how it is called. If there are several,
/// the one that takes so many arguments.
pub(super) fn find(name: &str, form: Form, n_args: usize) -> Option<&'static Function> {
    let named =
        || FUNCTIONS.iter().filter(|function| function.form == form && function.name == name);
    named().find(|function| function.n_args.contains(&n_args)).or_else(|| named().next())
}

/// The names of the functions that are called so, for suggestions.
pub(super) fn names(form: Form) -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().filter(move |function| function.form == form).map(|function| function.name)
}

/// Whether functions have a name that starts so and goes on with a dot.
pub(super) fn is_namespace(name: &str) -> bool {
    names(Form::Global)
        .any(|function| function.split_once('.').is_some_and(|(space, _)| space == name))
}

use Type::{Any, Bool, Bytes, Double, Duration, Int, List, Map, String, Timestamp};

const TEXTS: Type = List(&String);

const fn global(name: &'static str, n_args: &'static [usize], result: Type) -> Function {
    Function { name, form: Form::Global, on: On::Anything, n_args, n_texts: 0, result, ours: None }
}

const fn member(name: &'static str, on: On, n_args: &'static [usize], result: Type) -> Function {
    Function { name, form: Form::Member, on, n_args, n_texts: 0, result, ours: None }
}

impl Function {
    /// How many arguments it takes, in words.
    pub(super) fn wants(&self) -> std::string::String {
        match self.n_args {
            [1] => "1 argument".to_owned(),
            [n] => format!("{n} arguments"),
            [most @ .., last] => {
                let most: Vec<_> = most.iter().map(ToString::to_string).collect();
                format!("{} or {last} arguments", most.join(", "))
            }
            [] => "no arguments".to_owned(),
        }
    }

    const fn of_texts(self, n_texts: usize) -> Self {
        Self { n_texts, ..self }
    }

    const fn as_ours(self, name: &'static str) -> Self {
        Self { ours: Some(name), ..self }
    }
}

macro_rules! hashes {
    ($($name:literal)*) => {
        [$(
            global(concat!("hash.", $name), &[1, 2], String).of_texts(2).as_ours(concat!("@hash.", $name)),
            member($name, On::String, &[0, 1], String).of_texts(1).as_ours(concat!("@hash.", $name)),
        )*]
    };
}

static HASHES: &[Function] = &hashes!("crc32" "crc64" "md5" "sha1" "sha256" "sha512" "xxhash64");

struct All;
static FUNCTIONS: All = All;

impl All {
    fn iter(&self) -> impl Iterator<Item = &'static Function> {
        GLOBALS.iter().chain(MEMBERS).chain(HASHES)
    }
}

static GLOBALS: &[Function] = &[
    global("bool", &[1], Bool),
    global("bytes", &[1], Bytes),
    global("double", &[1], Double),
    global("duration", &[1], Duration),
    global("dyn", &[1], Any),
    global("int", &[1], Int),
    global("matches", &[2], Bool).as_ours("@matches").of_texts(2),
    global("size", &[1], Int),
    global("string", &[1], String),
    global("timestamp", &[1], Timestamp),
    global("type", &[1], Any),
    global("uint", &[1], Int),
    global("optional.none", &[0], Any),
    global("optional.of", &[1], Any),
    global("optional.ofNonZeroValue", &[1], Any),
    global("base64.decode", &[1], Bytes).as_ours("@base64.decode").of_texts(1),
    global("base64.encode", &[1], String).as_ours("@base64.encode"),
    global("basic_auth.encode", &[2], String).as_ours("@basic_auth.encode").of_texts(2),
    global("inCidrRange", &[2], Bool).as_ours("@inCidrRange").of_texts(2),
    global("inCidrRanges", &[2], Bool).as_ours("@inCidrRanges").of_texts(1),
    global("json.decode", &[1], Any).as_ours("@json.decode").of_texts(1),
    global("json.encode", &[1], String).as_ours("@json.encode"),
    global("lists.range", &[1], List(&Int)).as_ours("@lists.range"),
    global("queryString.decode", &[1], Map(&String)).as_ours("@queryString.decode").of_texts(1),
    global("queryString.encode", &[1], String).as_ours("@queryString.encode"),
    global("rand.double", &[0], Double).as_ours("@rand.double"),
    global("rand.int", &[0, 2], Int).as_ours("@rand.int"),
    global("secrets.get", &[2], String).as_ours("@secrets.get").of_texts(2),
    global("strings.quote", &[1], String).of_texts(1),
    global("url.escape", &[1], String).as_ours("@url.escape").of_texts(1),
    global("url.parse", &[1], Map(&String)).as_ours("@url.parse").of_texts(1),
    global("url.unescape", &[1], String).as_ours("@url.unescape").of_texts(1),
];

static MEMBERS: &[Function] = &[
    member("charAt", On::String, &[1], String),
    member("contains", On::String, &[1], Bool).of_texts(1),
    member("decodeBase64", On::String, &[0], String).as_ours("@decodeBase64"),
    member("decodeJson", On::String, &[0], Any).as_ours("@json.decode"),
    member("decodeQueryString", On::String, &[0], Map(&String)).as_ours("@queryString.decode"),
    member("distinct", On::List, &[0], List(&Any)).as_ours("@distinct"),
    member("encodeBase64", On::String, &[0], String).as_ours("@encodeBase64"),
    member("encodeJson", On::Anything, &[0], String).as_ours("@json.encode"),
    member("encodeQueryString", On::Anything, &[0], String).as_ours("@queryString.encode"),
    member("endsWith", On::String, &[1], Bool).of_texts(1),
    member("escapeUrl", On::String, &[0], String).as_ours("@url.escape"),
    member("flatten", On::List, &[0, 1], List(&Any)),
    member("format", On::String, &[1], String),
    member("getDate", On::Timestamp, &[0, 1], Int).of_texts(1),
    member("getDayOfMonth", On::Timestamp, &[0, 1], Int).of_texts(1),
    member("getDayOfWeek", On::Timestamp, &[0, 1], Int).of_texts(1),
    member("getDayOfYear", On::Timestamp, &[0, 1], Int).of_texts(1),
    member("getFullYear", On::Timestamp, &[0, 1], Int).of_texts(1),
    member("getHours", On::Time, &[0, 1], Int).of_texts(1),
    member("getMilliseconds", On::Time, &[0], Int).as_ours("@getMilliseconds"),
    member("getMilliseconds", On::Timestamp, &[1], Int),
    member("getMinutes", On::Time, &[0, 1], Int).of_texts(1),
    member("getMonth", On::Timestamp, &[0, 1], Int).of_texts(1),
    member("getSeconds", On::Time, &[0, 1], Int).of_texts(1),
    member("hasValue", On::Optional, &[0], Bool),
    member("indexOf", On::String, &[1, 2], Int).of_texts(1),
    member("isJson", On::String, &[0], Bool).as_ours("@isJson"),
    member("isPrivateIp", On::String, &[0], Bool).as_ours("@isPrivateIp"),
    member("isQueryString", On::String, &[0], Bool).as_ours("@isQueryString"),
    member("isURL", On::String, &[0], Bool).as_ours("@isURL"),
    member("join", On::List, &[0, 1], String).as_ours("@join").of_texts(1),
    member("lastIndexOf", On::String, &[1, 2], Int).of_texts(1),
    member("lower", On::String, &[0], String).as_ours("@lower"),
    member("lowerAscii", On::String, &[0], String),
    member("matches", On::String, &[1], Bool).as_ours("@matches").of_texts(1),
    member("or", On::Optional, &[1], Any),
    member("orValue", On::Optional, &[1], Any),
    member("parseUrl", On::String, &[0], Map(&String)).as_ours("@url.parse"),
    member("replace", On::String, &[2, 3], String).as_ours("@replace").of_texts(2),
    member("reverse", On::Sequence, &[0], Any),
    member("size", On::Anything, &[0], Int),
    member("slice", On::List, &[2], List(&Any)),
    member("sort", On::List, &[0], List(&Any)),
    member("split", On::String, &[0, 1, 2], TEXTS).as_ours("@split").of_texts(1),
    member("startsWith", On::String, &[1], Bool).of_texts(1),
    member("substring", On::String, &[1, 2], String),
    member("trim", On::String, &[0], String),
    member("unescapeUrl", On::String, &[0], String).as_ours("@url.unescape"),
    member("upper", On::String, &[0], String).as_ours("@upper"),
    member("upperAscii", On::String, &[0], String),
    member("value", On::Optional, &[0], Any),
];
