//! Every provider there is: one line each.

use std::sync::Arc;

use super::cabbagino::Cabbagino;
use super::cactus::Cactus;
use super::carouseller::Carouseller;
use super::exotic::Exotic;
use super::rebilly::Rebilly;
use super::{Provider, SiteFacts};
use crate::ids::SiteId;
use crate::sections::Section;

/// All providers with the accounts of all sites.
#[derive(Debug, Clone)]
pub struct Providers {
    /// The main Cashier, which also asks questions and opens for players.
    pub carouseller: Arc<Carouseller>,
    /// The others, each behind the one trait.
    others: Vec<Arc<dyn Provider>>,
}

/// One line for each provider beside the main one.
fn others() -> Vec<Box<dyn Provider>> {
    vec![
        Box::new(Cabbagino::default()),
        Box::new(Cactus::default()),
        Box::new(Exotic::default()),
        Box::new(Rebilly::default()),
    ]
}

/// Providers while the settings are read.
#[derive(Debug)]
pub struct Accounts {
    carouseller: Carouseller,
    others: Vec<Box<dyn Provider>>,
}

impl Default for Accounts {
    fn default() -> Self {
        Self { carouseller: Carouseller::default(), others: others() }
    }
}

impl Accounts {
    /// Reads every provider's section of a site out of the site's table. Gives back the names of those that are there.
    pub fn add_site(&mut self, section: &mut Section<'_>, site: &SiteFacts) -> Vec<&'static str> {
        let mut found = Vec::new();
        let all = std::iter::once(&mut self.carouseller as &mut dyn Provider);
        for provider in all.chain(self.others.iter_mut().map(|other| &mut **other as &mut dyn Provider)) {
            if let Some(own) = section.section(provider.name()) {
                found.push(provider.name());
                provider.add_site(own, site);
            }
        }
        found
    }

    /// All of them, ready.
    pub fn done(self) -> Providers {
        let others = self.others.into_iter().map(Arc::from).collect();
        Providers { carouseller: Arc::new(self.carouseller), others }
    }
}

impl Providers {
    /// Every provider there is, whether a site uses it or not.
    pub fn all(&self) -> impl Iterator<Item = &dyn Provider> {
        std::iter::once(&*self.carouseller as &dyn Provider).chain(self.others.iter().map(|other| &**other))
    }

    /// The provider with this name.
    pub fn get(&self, name: &str) -> Option<&dyn Provider> {
        self.all().find(|provider| provider.name() == name)
    }

    /// The provider with this name, when the site has an account there.
    pub fn of_site(&self, name: &str, site: SiteId) -> Option<&dyn Provider> {
        self.get(name).filter(|provider| provider.sites().contains(&site))
    }
}

#[cfg(test)]
impl Providers {
    /// The same with one more, for tests that drive what any provider is treated by.
    pub(crate) fn with(mut self, provider: Arc<dyn Provider>) -> Self {
        self.others.push(provider);
        self
    }
}
