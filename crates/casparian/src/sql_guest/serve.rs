//! From HELLO to the end of the host: one plugin, job after job.

use super::guest::Guest;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::process::ExitCode;
use worker::guest::{GuestChannel, Order};

/// What the worker starts it with; for nobody else.
pub const ARGUMENT: &str = "--sql-guest";

pub fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        // The host is gone, and nobody is left to be told.
        Err(error) if is_hang_up(&error) => ExitCode::SUCCESS,
        Err(error) => {
            crate::output::usage(&format!("the SQL guest: {error}\n"));
            ExitCode::from(1)
        }
    }
}

fn serve() -> io::Result<()> {
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    let mut channel = GuestChannel::new(socket);
    let hello = match channel.receive()? {
        None => return Ok(()),
        Some(Order::Hello(hello)) => hello,
        Some(Order::Job(..)) => return Err(out_of_order()),
    };
    let Some(mut guest) = Guest::load(channel, &hello)? else { return Ok(()) };
    while let Some(order) = guest.receive()? {
        match order {
            Order::Job(_, file) => guest.run(file)?,
            Order::Hello(_) => return Err(out_of_order()),
        }
    }
    Ok(())
}

fn out_of_order() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "a frame that was not due")
}

fn is_hang_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof
    )
}
