//! Tests of the control plane, a module per subject.

#![cfg(test)]

mod registrar;
mod scout;
mod sentinel;
mod simulation;
