//! `croupier serve`: the service.

use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, Outcome, load_settings};
use crate::app::Application;
use crate::db::migrate::Policy;
use crate::handles;

/// Runs the service until SIGTERM or Ctrl-C; a second one ends it at once.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Refuse to start on an old schema instead of migrating it.
    #[arg(long)]
    no_migrate: bool,
}

/// Runs `croupier serve`.
///
/// # Errors
///
/// `WrongUse` when the settings or the database are not fit to start.
pub fn run(args: Args, settings: &Path) -> Outcome {
    let settings = load_settings(settings)?;
    look_after_handles(settings.server.max_connections);
    let policy = if args.no_migrate { Policy::Refuse } else { Policy::Migrate };
    actix_web::rt::System::new().block_on(async {
        // Listened for before the start, so that a stop during a long start is not lost.
        let stop = stop_signal().map_err(|error| Failure::WrongUse(format!("cannot listen for signals: {error}")))?;
        let app =
            Application::build_with(settings, policy).await.map_err(|error| Failure::WrongUse(error.to_string()))?;
        log::info!("public on http://{}, private on http://{}", app.public_address(), app.private_address());
        app.run(stop).await.map_err(|error| Failure::WrongUse(error.to_string()))
    })
}

/// Files besides connections of callers: the database, providers, events that are pushed.
const OTHER_FILES: u64 = 300;

/// Makes room for as many connections as the listeners may have, and says so when there is none.
fn look_after_handles(max_connections: usize) {
    let wanted = 2 * max_connections as u64 + OTHER_FILES;
    match handles::raise() {
        Ok(Some(limit)) if limit < wanted => log::warn!(
            "{limit} files may be open, and server.max_connections = {max_connections} on two listeners needs {wanted}: \
             callers are not let in when they run out (LimitNOFILE)"
        ),
        Ok(_) => {}
        Err(problem) => log::warn!("{problem}"),
    }
}

/// Completes at the first SIGTERM or Ctrl-C; from then on a second one ends the process.
pub(super) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (first, stopped) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut first = Some(first);
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            match first.take() {
                Some(first) => {
                    let _listener_may_be_gone = first.send(());
                }
                None => {
                    log::warn!("second signal: ending at once");
                    std::process::exit(130);
                }
            }
        }
    });
    Ok(async move {
        let _either_way_we_stop = stopped.await;
    })
}
