//! Who may come in where workers are known by keys.

use super::allow_list::AllowList;
use super::owners::Owners;
use super::refusals::Refusals;
use super::socket::SocketError;
use super::zap::Zap;
use protocol::{PublicKey, SecretKey};
use std::path::PathBuf;
use std::sync::Arc;

/// What a Sentinel needs so that messages are encrypted, and workers known by their keys.
#[derive(Debug, Clone)]
pub struct SentinelCurve {
    pub secret: SecretKey,
    /// A file with the public keys of workers; read again when it changes.
    pub allowed_workers: PathBuf,
    /// Of workers in this process.
    pub own_workers: Vec<PublicKey>,
}

/// Who comes in only with an allowed key.
pub(super) struct Door {
    allowed: Arc<AllowList>,
    pub(super) owners: Owners,
    _zap: Zap,
}

impl Door {
    /// Before the socket is bound.
    pub(super) fn open(
        context: &zmq::Context,
        router: &zmq::Socket,
        curve: SentinelCurve,
        refusals: &Arc<Refusals>,
    ) -> Result<Self, SocketError> {
        if zmq::has("curve") != Some(true) {
            return Err(SocketError::NoCurve);
        }
        let allowed = Arc::new(AllowList::open(curve.allowed_workers, curve.own_workers)?);
        let zap = Zap::start(context, allowed.clone(), refusals.clone())?;
        router.set_curve_server(true)?;
        router.set_curve_secretkey(curve.secret.as_bytes())?;
        Ok(Self { allowed, owners: Owners::default(), _zap: zap })
    }

    /// A connection outlives the withdrawal of its key: its messages do not.
    /// The worker's key, if it is allowed.
    pub(super) fn key_of(&self, frame: &mut zmq::Message) -> Option<String> {
        frame.gets("User-Id").filter(|key| self.allowed.allows(key)).map(str::to_owned)
    }
}
