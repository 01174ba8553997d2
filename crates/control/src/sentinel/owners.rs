//! Whose each session is, where workers are known by keys: its token is worth nothing to another worker.

use super::decide::Peer;
use protocol::{HeartbeatAnswer, SessionToken, WorkerMessage};
use std::collections::HashMap;

/// More than there are workers: what is beyond is forgotten, and learned again at the next IDENTIFY.
const KNOWN_MAX: usize = 100_000;

#[derive(Debug, Default)]
pub(super) struct Owners {
    /// Keys of those whose IDENTIFY is not answered yet.
    asking: HashMap<Peer, String>,
    keys: HashMap<SessionToken, String>,
}

impl Owners {
    /// Whether who holds this key may say so.
    pub(super) fn let_say(&mut self, peer: &Peer, key: &str, message: &WorkerMessage) -> bool {
        let owner = token_of(message).and_then(|token| self.keys.get(token));
        if owner.is_some_and(|owner| owner != key) {
            return false;
        }
        if matches!(message, WorkerMessage::Identify(_)) {
            note(&mut self.asking, peer.clone(), key.to_owned());
        }
        true
    }

    /// From the answer to its IDENTIFY on, a session is its worker's.
    pub(super) fn answered(&mut self, peer: &Peer, answer: &HeartbeatAnswer) {
        if let Some(session) = &answer.session
            && let Some(key) = self.asking.remove(peer)
        {
            note(&mut self.keys, session.clone(), key);
        }
    }
}

fn note<K: Eq + std::hash::Hash>(known: &mut HashMap<K, String>, what: K, key: String) {
    if known.len() >= KNOWN_MAX {
        known.clear();
    }
    known.insert(what, key);
}

fn token_of(message: &WorkerMessage) -> Option<&SessionToken> {
    match message {
        WorkerMessage::Identify(identify) => identify.token.as_ref(),
        WorkerMessage::Heartbeat(heartbeat) => heartbeat.token.as_ref(),
        WorkerMessage::Conclude(_, conclude) => conclude.token.as_ref(),
        WorkerMessage::OriginalConclude(..) | WorkerMessage::Err(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{Heartbeat, Identify};

    #[test]
    fn a_token_is_worth_nothing_with_another_key() {
        let mut owners = Owners::default();
        let [own, other] = [Peer(vec![1]), Peer(vec![2])];
        let token: SessionToken = "a_token".parse().unwrap();
        let with =
            |token: &SessionToken| Identify { token: Some(token.clone()), ..Identify::default() };
        let beat = Heartbeat { token: Some(token.clone()), ..Heartbeat::default() };
        let beat = WorkerMessage::Heartbeat(beat);
        assert!(owners.let_say(&own, "key", &WorkerMessage::Identify(Identify::default())));
        let answer = HeartbeatAnswer { session: Some(token.clone()), ..HeartbeatAnswer::default() };
        owners.answered(&own, &answer);
        assert!(owners.let_say(&own, "key", &beat));
        assert!(!owners.let_say(&other, "another key", &beat));
        assert!(!owners.let_say(&other, "another key", &WorkerMessage::Identify(with(&token))));
        // The same worker over a new connection.
        assert!(owners.let_say(&other, "key", &WorkerMessage::Identify(with(&token))));
    }
}
