//! The routes that are served, read from the sources under `src/api`: each with its method, its whole path, and where it stands.
//!
//! Known are `web::METHOD()` after the path it belongs to, in whatever call, and the helpers of [`HELPERS`] with their path; scopes
//! around them count. A path is a string or a constant of the same file. What cannot be read so is a failure, never passed over.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::source::{Source, functions, parsed, rust, strings};

/// How a route's method is said.
const VERBS: [(&str, &str); 6] = [
    ("web::get()", "GET"),
    ("web::put()", "PUT"),
    ("web::post()", "POST"),
    ("web::delete()", "DELETE"),
    ("web::patch()", "PATCH"),
    ("web::head()", "HEAD"),
];

/// Functions that make a route of one method from a path, which is their first argument.
const HELPERS: [(&str, &str); 1] = [("only_post", "POST")];

/// Other ways to make a route, which are not read here.
const UNREADABLE: [&str; 8] = [
    "web::method(",
    "web::route()",
    "web::trace()",
    "Route::new(",
    "Resource::new(",
    "Scope::new(",
    "Files::new(",
    "#[actix_web::",
];

/// Every route as `METHOD path` with its place, and what could not be read.
#[derive(Default)]
pub struct Served {
    pub routes: BTreeMap<String, String>,
    pub unreadable: BTreeSet<String>,
}

/// Everything that is served.
pub fn served() -> Served {
    let mut served = Served::default();
    for source in rust(&["src/api"]).iter().filter(|source| !source.is_test) {
        read(source, &mut served);
    }
    served
}

fn read(source: &Source, served: &mut Served) {
    let code = source.shipped();
    let starts = functions(code);
    let function = |at: usize| starts.iter().filter(|(_, start, _)| *start < at).max_by_key(|(_, start, _)| *start);
    let paths = paths(source);
    let at_once = |at: usize| paths.iter().find(|(place, _)| *place >= at && code[at..*place].trim().is_empty());
    let mut unreadable = |at: usize, what: &str| {
        served.unreadable.insert(format!("{}: {what}", source.place(at)));
    };
    let mut scopes = Vec::new();
    for (at, opening) in code.match_indices("web::scope(") {
        match at_once(at + opening.len()) {
            Some((place, path)) => scopes.push((at + opening.len() - 1, *place, *path)),
            None => unreadable(at, "the path of a scope"),
        }
    }
    let mut found = Vec::new();
    for (verb, method) in VERBS {
        for (at, _) in code.match_indices(verb) {
            let (name, start) = function(at).map_or(("", 0), |(name, start, _)| (*name, *start));
            let before = paths.iter().rev().filter(|(place, _)| (start..at).contains(place));
            let path = before.clone().find(|(place, _)| !scopes.iter().any(|(_, argument, _)| argument == place));
            match path {
                Some((_, path)) => found.push((at, method, *path)),
                None if HELPERS.iter().any(|(helper, _)| *helper == name) => {}
                None => unreadable(at, "the path of a route"),
            }
        }
    }
    for (helper, method) in HELPERS {
        for (at, call) in code.match_indices(&format!("{helper}(")) {
            match at_once(at + call.len()) {
                Some((_, path)) => found.push((at, method, *path)),
                None => unreadable(at, "the path of a route"),
            }
        }
    }
    for (at, call) in code.match_indices("web::to(") {
        let refuses = function(at).is_some_and(|(name, _, _)| *name == "wrong_method");
        if !refuses && !code[..at].trim_end().ends_with("default_service(") {
            unreadable(at, &format!("{call}: every method"));
        }
    }
    for word in UNREADABLE {
        code.match_indices(word).for_each(|(at, _)| unreadable(at, word));
    }
    for (at, method, path) in found {
        let around: String =
            scopes.iter().filter(|(scope, ..)| holds(code, *scope, at)).map(|(.., path)| *path).collect();
        // What a parameter may hold is for the router, not for the document.
        let path = path.replace(":.*}", "}");
        served.routes.insert(format!("{method} {around}{path}"), source.place(at));
    }
}

/// What may be a path, and where: strings that begin with `/` or are empty, and constants of this file that are such strings.
fn paths(source: &Source) -> Vec<(usize, &str)> {
    let code = source.shipped();
    let literals = strings(&source.text)
        .into_iter()
        .filter(|(at, text)| *at < code.len() && (text.is_empty() || text.starts_with('/')));
    let mut found: Vec<(usize, &str)> = literals.collect();
    let mut constants = Vec::new();
    for (at, opening) in code.match_indices("const ") {
        let declared = &code[at + opening.len()..];
        let Some((name, _)) = declared.split_once(": &str = ") else { continue };
        let value = at + opening.len() + name.len() + ": &str = ".len();
        if let Some(index) = found.iter().position(|(place, _)| *place == value) {
            constants.push((name, found.remove(index).1));
        }
    }
    let word = |c: char| c.is_alphanumeric() || c == '_';
    for (name, path) in constants {
        let uses = code.match_indices(name).filter(|(at, _)| {
            !code[..*at].ends_with(word)
                && !code[at + name.len()..].starts_with(word)
                && !code[..*at].ends_with("const ")
        });
        found.extend(uses.map(|(at, _)| (at, path)));
    }
    found.sort_unstable();
    found
}

/// Whether what is at `at` is in the chain of calls that begins with the parenthesis at `scope`.
fn holds(code: &str, scope: usize, at: usize) -> bool {
    let mut depth = 0_i32;
    let ended = |byte: u8| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        depth < 0 || (depth == 0 && matches!(byte, b';' | b','))
    };
    scope < at && !code[scope..at].bytes().any(ended)
}

#[test]
fn routes_are_read_from_sources() {
    let text = r#"
        const PLACE: &str = "/c";
        /// Not "/a path".
        fn a(config: &mut C) {
            config
                .route("/a", web::get().to(f)) // not "/b"
                .service(web::scope(PLACE).route("", web::put().to(f)).service(web::scope("/d").service(
                    web::resource("/{e}").route(web::get().to(f)).route(web::post().to(f)).default_service(refuse("X")))))
                .service(only_post("/g", f))
                .default_service(web::to(f));
            config.route(PLACE, web::delete().to(f));
        }
        fn h(path: &str) -> Resource {
            web::resource(path).route(web::patch().to(f)).route(web::to(f))
        }
    "#;
    let mut served = Served::default();
    read(&parsed("src/api/x.rs", text.to_owned()), &mut served);

    let routes: Vec<&str> = served.routes.keys().map(String::as_str).collect();
    assert_eq!(routes, ["DELETE /c", "GET /a", "GET /c/d/{e}", "POST /c/d/{e}", "POST /g", "PUT /c"]);
    let unreadable: Vec<&str> = served.unreadable.iter().map(String::as_str).collect();
    assert_eq!(unreadable, ["src/api/x.rs:14: the path of a route", "src/api/x.rs:14: web::to(: every method"]);
}
