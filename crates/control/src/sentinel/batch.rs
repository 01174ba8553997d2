//! Messages as they came in, turned into events. CONCLUDEs of one worker that follow each other become one event, so that one statement takes them.

use super::decide::{Event, Peer};
use super::refusals::Refusals;
use super::socket::{Inbound, Weight};
use super::token::Tokens;
use protocol::{Conclude, JobId, WorkerMessage};

/// The events of a batch, in the order of its messages, and what these weigh until they are dealt with.
pub(super) fn events_of(
    batch: Vec<Inbound>,
    tokens: &Tokens,
    refusals: &Refusals,
) -> (Vec<Event>, Vec<Weight>) {
    let mut events = Vec::with_capacity(batch.len());
    let mut weights = Vec::with_capacity(batch.len());
    for inbound in batch {
        let (peer, message) = match inbound {
            Inbound::Unreachable(peer) => {
                events.push(Event::Unreachable(peer));
                continue;
            }
            Inbound::Message(peer, message, weight) => {
                weights.push(weight);
                (peer, message)
            }
        };
        match message {
            Ok(WorkerMessage::Identify(identify)) => {
                events.push(Event::Identify(peer, identify.bounded(), tokens.fresh()));
            }
            Ok(WorkerMessage::Conclude(job, conclude)) => {
                push_conclude(&mut events, peer, job, conclude.bounded());
            }
            Ok(message) => events.push(Event::Message(peer, message)),
            Err(error) => {
                refusals.malformed(&error);
                events.push(Event::Malformed(peer, error.to_string()));
            }
        }
    }
    (events, weights)
}

fn push_conclude(events: &mut Vec<Event>, peer: Peer, job: JobId, conclude: Conclude) {
    if let Some(Event::Concludes(last, concludes)) = events.last_mut()
        && *last == peer
    {
        concludes.push((job, conclude));
        return;
    }
    events.push(Event::Concludes(peer, vec![(job, conclude)]));
}
