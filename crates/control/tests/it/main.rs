//! Tests of the control plane, a module per subject.

mod registrar;
mod scout;
mod simulation;
