//! Whose request it is: the connection's address, or what a trusted proxy says (threats SIG-14).

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The caller's address. `X-Forwarded-For` is believed only as far as the addresses that added to it are trusted proxies.
pub(super) fn address(request: &HttpRequest, trusted: &[IpNet]) -> IpAddr {
    let direct = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip().to_canonical());
    if trusted.is_empty() {
        return direct;
    }
    let forwarded: Vec<&str> = request
        .headers()
        .get_all("x-forwarded-for")
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(str::trim)
        .collect();
    behind(direct, &forwarded, trusted)
}

/// Walks from the connection outwards while each address is a trusted proxy. What cannot be read as an address ends the walk at the
/// last one that is known.
fn behind(direct: IpAddr, forwarded: &[&str], trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let mut caller = direct;
    for text in forwarded.iter().rev() {
        if !is_trusted(caller) {
            return caller;
        }
        match text.parse::<IpAddr>() {
            Ok(address) => caller = address.to_canonical(),
            Err(_) => return caller,
        }
    }
    caller
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed_and_only_as_far_as_they_reach() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let cases: [(&str, &[&str], &str); 7] = [
            ("1.2.3.4", &["9.9.9.9"], "1.2.3.4"),
            ("10.0.0.1", &["9.9.9.9"], "9.9.9.9"),
            ("10.0.0.1", &["6.6.6.6", "9.9.9.9"], "9.9.9.9"),
            ("10.0.0.1", &["9.9.9.9", "10.0.0.2"], "9.9.9.9"),
            ("10.0.0.1", &["6.6.6.6", "nonsense"], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["::ffff:9.9.9.9"], "9.9.9.9"),
        ];
        for (direct, forwarded, expected) in cases {
            assert_eq!(behind(ip(direct), forwarded, &trusted), ip(expected), "{direct} {forwarded:?}");
        }
    }
}
