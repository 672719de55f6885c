//! One integration binary: the `sealift` program as an operator meets it, on real machines where it touches any.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod it {
    mod addresses;
    mod alone;
    mod cli;
    mod console;
    mod disks;
    mod docs;
    mod drift;
    mod forgotten;
    mod full;
    mod handover;
    mod init;
    mod kill;
    mod kit;
    mod lifecycle;
    mod newer;
    mod packages;
    mod paper;
    mod place;
    mod preflight;
    mod reality;
    mod relay;
    mod running;
    mod secrets;
    mod self_update;
    mod ssh;
    mod stick;
    mod time;
    mod web;
    mod wrong;
}
