//! Servers that lie, stall and stumble.

mod files;
mod images;
mod streams;
