//! Who calls the game server's API: a bearer key, what it is good for, and the site it reaches.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::problem::Problem;
use crate::ids::{Login, Player, SiteId};
use crate::settings::{ApiKey, Scope, Site};
use crate::state::State;

/// A caller with a good key.
pub(super) struct Caller<'s> {
    state: &'s State,
    name: &'s str,
    user: &'s ApiKey,
}

/// Whose key this request carries. Every key is compared, so that the time tells nothing.
///
/// # Errors
///
/// 401 for a missing or wrong key.
pub(super) fn caller<'s>(request: &HttpRequest, state: &'s State) -> Result<Caller<'s>, Problem> {
    let token = super::bearer(request).unwrap_or("");
    let digest = Sha256::digest(token.as_bytes());
    let mut found = None;
    for (name, user) in &state.settings.wallet.api_keys {
        for key in &user.keys {
            if bool::from(Sha256::digest(key.expose().as_bytes()).ct_eq(&digest)) {
                found = Some((name, user));
            }
        }
    }
    let (name, user) = found.filter(|_| !token.is_empty()).ok_or_else(Problem::unauthorized)?;
    Ok(Caller { state, name, user })
}

impl<'s> Caller<'s> {
    /// The sites the key is limited to; empty: it reaches all.
    pub(super) fn sites(&self) -> &'s [SiteId] {
        &self.user.sites
    }

    /// Whether the key reaches this site.
    pub(super) fn reaches(&self, site: SiteId) -> bool {
        self.user.reaches(site)
    }

    /// That the key is good for this.
    ///
    /// # Errors
    ///
    /// 403 that names the scope.
    pub(super) fn may(&self, scope: Scope) -> Result<(), Problem> {
        if self.user.scopes.contains(&scope) {
            return Ok(());
        }
        log::warn!("wallet: the key {} was refused for want of the scope {}", self.name, scope.name());
        let detail = format!("this key does not have the scope {}", scope.name());
        Err(Problem::new(StatusCode::FORBIDDEN, "scope_missing", detail))
    }

    /// The site in the path, and the login there.
    ///
    /// # Errors
    ///
    /// As [`Caller::site`], or 400 for a login that is none.
    pub(super) fn player(&self, request: &HttpRequest) -> Result<(&'s Site, Player), Problem> {
        let site = self.site(request)?;
        let login = Login::parse(&super::path_part(request, "site_login")?)?;
        Ok((site, Player { site: site.site_id, login }))
    }

    /// The site in the path.
    ///
    /// # Errors
    ///
    /// 404 for a site we do not have, 403 for one that the key does not reach.
    pub(super) fn site(&self, request: &HttpRequest) -> Result<&'s Site, Problem> {
        let site = super::path_part(request, "site_id")?.parse().ok().and_then(|id| self.state.site(SiteId(id)));
        let site = site
            .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "unknown_site", "no such site").in_field("site_id"))?;
        if !self.reaches(site.site_id) {
            let detail = "this key is not good for this site";
            return Err(Problem::new(StatusCode::FORBIDDEN, "site_not_permitted", detail).in_field("site_id"));
        }
        Ok(site)
    }
}

/// Who asks, about whom: a key that is good for `scope`, its site, a login.
///
/// # Errors
///
/// 401, 403, 404, or 400 for a login that is none.
pub(super) fn authorised<'s>(
    request: &HttpRequest,
    state: &'s State,
    scope: Scope,
) -> Result<(&'s Site, Player), Problem> {
    let caller = caller(request, state)?;
    caller.may(scope)?;
    caller.player(request)
}
