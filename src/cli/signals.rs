//! SIGTERM and SIGINT: the first one asks for a clean end, the second one for any end. SIGXFSZ is an error of
//! a write, and no end.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A file that may not grow any further (`ulimit -f`) would end the process; from here on the write fails instead.
pub(super) fn make_limits_errors() {
    if signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).is_err() {
        tracing::warn!("SIGXFSZ cannot be caught; a limit on the size of files will end this process");
    }
}

/// A token that the first signal cancels. From here on no signal ends the process as it stands.
pub(super) fn shutdown() -> CancellationToken {
    let token = CancellationToken::new();
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::warn!("signals cannot be caught; a stop will be a hard one");
        return token;
    };
    let cancelled = token.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => (),
                _ = interrupt.recv() => (),
            }
        };
        next().await;
        tracing::info!("stopping: finishing what is here");
        cancelled.cancel();
        next().await;
        tracing::warn!("stopping at once; what is acknowledged is in the queue");
        std::process::exit(1);
    });
    token
}
