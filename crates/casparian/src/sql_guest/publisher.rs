//! Rows and refused rows on their way to the host, and how many there were.

use super::messages::{Done, Rejected, RejectedRow};
use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use query::plugin::Published;
use readers::Reject;
use std::io;
use worker::guest::{FRAME_LEN_MAX, GuestChannel, Kind};

/// Refused rows of a frame take about this at most.
const REJECTED_BYTES_MAX: usize = 1 << 20;
/// Room in a frame for what is not rows.
const OVERHEAD: usize = 1 << 20;

#[derive(Debug)]
pub struct Publisher {
    pub channel: GuestChannel,
    topics: Vec<String>,
    pub done: Done,
    /// An encoded batch; kept for its memory.
    stream: Vec<u8>,
}

impl Publisher {
    pub fn new(channel: GuestChannel, topics: Vec<String>) -> Self {
        Self { channel, topics, done: Done::default(), stream: Vec::new() }
    }

    /// Before a job.
    pub fn begin(&mut self) {
        self.done = Done::default();
        for topic in &self.topics {
            self.done.rows.insert(topic.clone(), 0);
        }
    }

    /// What the statement of this number publishes goes to the topic of the same number.
    pub fn take(&mut self, statement: usize, published: Published) -> io::Result<()> {
        let Some(topic) = self.topics.get(statement).cloned() else { return Ok(()) };
        match published {
            Published::Rows(rows) => self.rows(&topic, &rows),
            Published::Rejects(rejects) => self.rejects(&topic, rejects),
        }
    }

    /// In as many frames as it takes.
    fn rows(&mut self, topic: &str, rows: &RecordBatch) -> io::Result<()> {
        self.encode(rows)?;
        if self.stream.len() > FRAME_LEN_MAX - OVERHEAD && rows.num_rows() > 1 {
            let half = rows.num_rows() / 2;
            self.rows(topic, &rows.slice(0, half))?;
            return self.rows(topic, &rows.slice(half, rows.num_rows() - half));
        }
        *self.done.rows.entry(topic.to_owned()).or_default() += rows.num_rows() as u64;
        let len = u16::try_from(topic.len()).map_err(io::Error::other)?.to_be_bytes();
        self.channel.send(Kind::Batch, &[&len, topic.as_bytes(), &self.stream])
    }

    fn encode(&mut self, rows: &RecordBatch) -> io::Result<()> {
        self.stream.clear();
        let mut writer =
            StreamWriter::try_new(&mut self.stream, rows.schema_ref()).map_err(io::Error::other)?;
        writer.write(rows).and_then(|()| writer.finish()).map_err(io::Error::other)
    }

    fn rejects(&mut self, topic: &str, rejects: Vec<Reject>) -> io::Result<()> {
        *self.done.quarantined.entry(topic.to_owned()).or_default() += rejects.len() as u64;
        let mut rows = Vec::new();
        let mut bytes = 0;
        for row in rejects.into_iter().map(RejectedRow::from) {
            bytes += row.bytes();
            rows.push(row);
            if bytes > REJECTED_BYTES_MAX {
                let rows = std::mem::take(&mut rows);
                self.channel.send_json(Kind::Quarantine, &Rejected { topic, rows })?;
                bytes = 0;
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        self.channel.send_json(Kind::Quarantine, &Rejected { topic, rows })
    }
}
