//! Addresses that browsers are sent to. We never call them ourselves.

use url::Url;

/// No browser and no provider needs more characters.
pub const LONGEST_PAGE: usize = 2083;

/// The page of a text, if a browser can be sent to it from anywhere: `http` or `https`, written out whole, with a host and without a name
/// or a password, and without blanks and control characters.
///
/// `https:/host/path` is no page: a browser takes it for a path where it is already, and elsewhere for a host.
pub fn web_page(text: &str) -> Option<Url> {
    if text.len() > LONGEST_PAGE || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let whole = text.get(url.scheme().len()..).is_some_and(|rest| rest.starts_with("://") && !rest.starts_with(":///"));
    let nobody = url.username().is_empty() && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && whole && url.has_host() && nobody).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_written_out_whole_and_means_one_place() {
        let long = format!("https://casino.example/{}", "x".repeat(LONGEST_PAGE));
        let pages =
            ["https://casino.example/ok?a=1", "http://127.0.0.1:3000/", "HTTPS://casino.example", "https://[::1]/"];
        let others = [
            "",
            "ok",
            "/ok",
            "//casino.example",
            "https:casino.example/pay",
            "https:/casino.example/pay",
            "https:///casino.example/pay",
            "https:\\\\casino.example/pay",
            "https://",
            "https://?a=1",
            "javascript:alert(1)",
            "javascript://casino.example/%0Aalert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "ftp://casino.example/",
            "https://a:b@casino.example/",
            "https://:b@casino.example/",
            "https://a@casino.example/",
            "https://casino.example/\n",
            " https://casino.example",
            "ht\ttps://casino.example",
            "https://casino.example/a b",
            &long,
        ];

        for text in pages {
            assert!(web_page(text).is_some(), "{text:?}");
        }
        for text in others {
            assert_eq!(web_page(text), None, "{text:?}");
        }
    }
}
