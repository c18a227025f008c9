//! croupier itself as the demo needs it: started on free ports, checked, stopped. The only file of the simulator side
//! that touches the service.

use std::path::Path;

use crate::secret::Secret;
use crate::simulate::Brand;
use crate::simulate::demo::LedgerCheck;

/// A running service with its throw-away database.
pub(super) struct Host {
    public: String,
    private: String,
    wallet_key: Secret,
    staff_token: Secret,
    staff_password: Secret,
}

impl Host {
    /// Writes settings into the directory and starts the service.
    pub(super) async fn start(directory: &Path, brand: &Brand, payout_url: &str) -> Result<Self, String> {
        let wallet_key = Secret::new(super::random_hex()?);
        let file = directory.join("Settings.toml");
        write_private(&file, &settings(directory, brand, payout_url, &wallet_key))?;
        Err("this build has no service to demonstrate yet".to_owned())
    }

    /// Base address of the public listener.
    pub(super) fn public(&self) -> String {
        self.public.clone()
    }

    /// Base address of the private listener.
    pub(super) fn private(&self) -> String {
        self.private.clone()
    }

    pub(super) fn wallet_key(&self) -> &Secret {
        &self.wallet_key
    }

    pub(super) fn staff_name(&self) -> &'static str {
        "demo"
    }

    pub(super) fn staff_password(&self) -> &Secret {
        &self.staff_password
    }

    pub(super) fn staff_token(&self) -> &Secret {
        &self.staff_token
    }

    /// Checks every invariant of the ledger, beside the running service.
    pub(super) async fn verify(&self) -> Result<LedgerCheck, String> {
        Err("this build has no ledger yet".to_owned())
    }

    /// Stops the service in order.
    pub(super) async fn stop(self) {}
}

fn settings(directory: &Path, brand: &Brand, payout_url: &str, wallet_key: &Secret) -> String {
    let directory = directory.display();
    format!(
        r#"[server]
public_bind = "127.0.0.1:0"
private_bind = "127.0.0.1:0"
state_dir = "{directory}"

[database]
url = "sqlite://{directory}/croupier.db"

[wallet]
api_keys = {{ game_server = "{key}" }}

[sites.demo]
site_id = {site_id}
currencies = ["USD", "EUR"]

[sites.demo.carouseller]
salts = ["{salt}"]
payout_url = "{payout_url}"

[sites.demo.limits.USD]
deposit_min = 100
deposit_max = 1000000
payout_min = 100
payout_max = 100000000

[sites.demo.limits.EUR]
deposit_min = 100
deposit_max = 1000000
payout_min = 100
payout_max = 100000000

[sites.demo.payouts]
approval = "auto"
"#,
        key = wallet_key.expose(),
        site_id = brand.site_id,
        salt = brand.salt.expose(),
    )
}

fn write_private(file: &Path, text: &str) -> Result<(), String> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut open| std::io::Write::write_all(&mut open, text.as_bytes()));
    written.map_err(|error| format!("{}: {error}", file.display()))
}
