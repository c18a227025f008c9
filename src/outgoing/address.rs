//! Which addresses we may call (threats SEC-4): a settings file, or a name server that lies, must not make us
//! talk to our own network or to the metadata service of a cloud.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use url::{Host, Url};

/// What the outgoing addresses of one site may be. Empty: only the public internet, and loopback when the URL itself names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct AddressRules {
    /// Private networks that are allowed. They never allow loopback, link-local or metadata addresses.
    pub private_networks: Vec<IpNet>,
}

/// What kind of place an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Public,
    Loopback,
    Private,
    Never(&'static str),
}

impl AddressRules {
    /// Rules that allow these private networks.
    pub fn new(private_networks: Vec<IpNet>) -> Self {
        Self { private_networks }
    }

    /// Whether a configured URL is one we may call, as far as can be told without resolving its name.
    ///
    /// # Errors
    ///
    /// The reason, without any part of the URL: it may hold a password.
    pub fn check_url(&self, url: &Url) -> Result<(), &'static str> {
        let loopback = is_loopback_host(url);
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err("must be https; plain http only to loopback"),
            _ => return Err("must be an https address"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user or password");
        }
        if url.fragment().is_some() {
            return Err("must not hold a fragment (#)");
        }
        match url.host() {
            None => Err("has no host"),
            Some(Host::Domain(_)) => Ok(()),
            Some(Host::Ipv4(ip)) => self.check_address(IpAddr::V4(ip), loopback),
            Some(Host::Ipv6(ip)) => self.check_address(IpAddr::V6(ip), loopback),
        }
    }

    /// Whether we may connect to `ip`; `loopback_named` says that the URL itself names loopback, and then nothing else will do.
    ///
    /// # Errors
    ///
    /// The reason.
    pub fn check_address(&self, ip: IpAddr, loopback_named: bool) -> Result<(), &'static str> {
        let place = place_of(ip);
        if loopback_named && place != Place::Loopback {
            return Err("the loopback name leads elsewhere");
        }
        match place {
            Place::Public => Ok(()),
            Place::Loopback if loopback_named => Ok(()),
            Place::Loopback => Err("leads to loopback without naming it"),
            Place::Private if self.private_networks.iter().any(|net| net.contains(&ip.to_canonical())) => Ok(()),
            Place::Private => Err("is in a private network that private_networks does not name"),
            Place::Never(reason) => Err(reason),
        }
    }
}

/// Whether the URL itself names loopback: `localhost`, 127.0.0.0/8 or `::1`.
pub fn is_loopback_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_loopback_name(name),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).to_canonical().is_loopback(),
        None => false,
    }
}

/// Whether this name means loopback.
pub fn is_loopback_name(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
}

fn place_of(ip: IpAddr) -> Place {
    match ip.to_canonical() {
        IpAddr::V4(ip) => place_of_v4(ip),
        IpAddr::V6(ip) => place_of_v6(ip),
    }
}

fn place_of_v4(ip: Ipv4Addr) -> Place {
    let [a, b, c, d] = ip.octets();
    match (a, b, c, d) {
        (127, ..) => Place::Loopback,
        (169, 254, ..) => Place::Never("is link-local, where clouds keep their metadata"),
        (100, 100, 100, 200) | (192, 0, 0, 192) => Place::Never("is a cloud's metadata service"),
        (0, ..) => Place::Never("is unspecified"),
        (224..=239, ..) => Place::Never("is multicast"),
        (240..=255, ..) => Place::Never("is reserved"),
        (10, ..) | (172, 16..=31, ..) | (192, 168, ..) | (100, 64..=127, ..) => Place::Private,
        (192, 0, 0, _) | (198, 18..=19, ..) => Place::Private,
        _ => Place::Public,
    }
}

fn place_of_v6(ip: Ipv6Addr) -> Place {
    let s = ip.segments();
    if ip.is_loopback() {
        return Place::Loopback;
    }
    if let Some(inner) = embedded_v4(s) {
        // A gateway would take us there, so it counts as being there; except that nobody means loopback this way.
        return match place_of_v4(inner) {
            Place::Loopback => Place::Never("is loopback in disguise"),
            place => place,
        };
    }
    match s[0] {
        _ if ip.is_unspecified() => Place::Never("is unspecified"),
        _ if s[..6] == [0; 6] => Place::Never("is reserved"),
        0xfd00 if s == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Place::Never("is a cloud's metadata service"),
        0xfe80..=0xfebf => Place::Never("is link-local"),
        0xff00..=0xffff => Place::Never("is multicast"),
        0xfc00..=0xfdff | 0xfec0..=0xfeff => Place::Private,
        _ => Place::Public,
    }
}

/// The IPv4 address inside a NAT64 (64:ff9b::/96) or 6to4 (2002::/16) address.
fn embedded_v4(s: [u16; 8]) -> Option<Ipv4Addr> {
    let (high, low) = match s {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => (high, low),
        [0x2002, high, low, ..] => (high, low),
        _ => return None,
    };
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, networks: &[&str]) -> Result<(), &'static str> {
        let rules = AddressRules::new(networks.iter().map(|net| net.parse().unwrap()).collect());
        rules.check_url(&Url::parse(url).unwrap())
    }

    #[test]
    fn urls_that_could_reach_our_own_network_or_leak_are_refused() {
        let refused = [
            "http://cashier.example/",
            "http://10.0.0.5/",
            "ftp://cashier.example/",
            "file:///etc/passwd",
            "https://user@cashier.example/",
            "https://user:pass@cashier.example/",
            "https://cashier.example/#x",
            "https://169.254.169.254/latest/",
            "https://0xa9fea9fe/",
            "https://[::ffff:169.254.169.254]/",
            "https://[64:ff9b::a9fe:a9fe]/",
            "https://[2002:7f00:1::]/",
            "https://[fe80::1]/",
            "https://[fd00:ec2::254]/",
            "https://[::]/",
            "https://[::127.0.0.1]/",
            "https://[ff02::1]/",
            "https://0.0.0.0/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://100.100.100.200/",
            "https://10.0.0.5/",
            "https://172.16.0.1/",
            "https://192.168.1.1/",
            "https://100.64.0.1/",
            "https://[fd12::1]/",
            "http://localhost.example/",
        ];
        for url in refused {
            assert!(check(url, &[]).is_err(), "{url}");
        }
        for url in ["https://cashier.example/a?b=c", "http://localhost:9000/", "http://127.0.0.1/", "http://127.8.0.1/"]
        {
            assert_eq!(check(url, &[]), Ok(()), "{url}");
        }
        assert_eq!(check("http://[::1]:8080/", &[]), Ok(()));
        assert_eq!(check("https://172.32.0.1/", &[]), Ok(()), "just outside 172.16.0.0/12");
    }

    #[test]
    fn a_named_private_network_is_allowed_and_nothing_else_with_it() {
        let networks = ["10.1.0.0/16", "169.254.0.0/16", "127.0.0.0/8"];

        assert_eq!(check("https://10.1.2.3/", &networks), Ok(()));
        assert_eq!(check("https://[::ffff:10.1.2.3]/", &networks), Ok(()), "the same address in its other form");
        for url in ["https://10.2.0.1/", "https://169.254.169.254/", "http://10.1.2.3/"] {
            assert!(check(url, &networks).is_err(), "{url}");
        }
    }

    #[test]
    fn loopback_is_reached_only_by_its_own_name() {
        let rules = AddressRules::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let [home, away]: [IpAddr; 2] = ["127.0.0.1", "93.184.216.34"].map(|ip| ip.parse().unwrap());

        assert!(rules.check_address(home, false).is_err(), "a public name that resolves to loopback");
        assert!(rules.check_address(away, true).is_err(), "localhost that resolves elsewhere");
        assert_eq!((rules.check_address(home, true), rules.check_address(away, false)), (Ok(()), Ok(())));
    }
}
