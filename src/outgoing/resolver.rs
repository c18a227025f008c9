//! Name lookup that gives only allowed addresses. The addresses returned are the ones connected to, so a name that
//! changes its mind between check and connection gains nothing.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{AddressRules, is_loopback_name};

/// The system's resolver behind the rules of one site.
pub(super) struct GuardedResolver(pub(super) AddressRules);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed = allowed(&rules, name.as_str(), found)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The addresses that may be connected to, or why there is none.
pub(super) fn allowed(rules: &AddressRules, name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, String> {
    let loopback = is_loopback_name(name);
    let mut refused = "it has none";
    let mut check = |address: &SocketAddr| match rules.check_address(address.ip(), loopback) {
        Ok(()) => true,
        Err(reason) => {
            refused = reason;
            false
        }
    };
    let allowed: Vec<_> = found.into_iter().filter(|address| check(address)).collect();
    if allowed.is_empty() { Err(format!("the name has no allowed address: {refused}")) } else { Ok(allowed) }
}
