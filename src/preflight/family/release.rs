//! The bundle against the nodes, where one was given.

use sealift_stream::ByteSize;

use crate::check::{Check, Class, Severity::Refuse};
use crate::facts::Offer;
use crate::view::{Judged, Miss, View, not_here, when};

pub(super) const CHECKS: &[Check] = &[
    Check::node("bundle-platform", Refuse, |view| {
        let (offer, arch) = (offer(view)?, &view.machine()?.arch);
        let has = offer.platforms.iter().any(|one| *one == format!("linux/{arch}"));
        when(!has, || format!("the node is {arch}, the bundle is for {}", offer.platforms.join(", ")))
    })
    .says("no program in the bundle runs there", "pack a bundle with that platform"),
    Check::node("bundle-space", Refuse, space)
        .says(
            "blobs are kept, then unpacked: twice the bundle has to fit",
            "make room, or give /var/lib a larger disk",
        )
        .on(Class::Untouched),
    Check::node("bundle-clock", Refuse, |view| {
        let (offer, now) = (offer(view)?, view.machine()?.now);
        if offer.created == 0 {
            return not_here("the bundle does not say when it was made");
        }
        when(now < offer.created, || {
            format!("the node's clock is {} s before the bundle was made", offer.created - now)
        })
    })
    .says("the clock is wrong: the bundle was made before it came here", "set the clock"),
];

/// What the bundle brings.
pub(super) fn offer<'a>(view: &View<'a>) -> Result<&'a Offer, Miss> {
    view.offer.ok_or(Miss::NotApplicable("no bundle was given"))
}

fn space(view: &View<'_>) -> Judged {
    let need = offer(view)?.bytes.saturating_mul(2);
    let room = view.room("/var/lib/containerd")?;
    when(room.free < need, || format!("{}: {} free, {} needed", room.at, ByteSize(room.free), ByteSize(need)))
}
