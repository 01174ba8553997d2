//! Scout over real directories and a real catalog.

mod doubt;
mod ignores;
mod interrupted;
mod inventory;
mod large;
mod removal;
mod serve;
mod special;
mod tagging;
mod timing;
mod unreadable;
mod world;
