//! Tests of the control plane, a module per subject.

#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "tests give files times of their own, and are told by the environment which seed to replay"
)]

mod fuzz;
mod mutation;
mod registrar;
mod scout;
mod sentinel;
mod simulation;
