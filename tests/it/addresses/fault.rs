//! What goes wrong while a node's address is changed.

use std::fmt;

/// One of the ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// None: the change is kept.
    Nothing,
    /// A gateway that nobody answers for.
    WrongGateway,
    /// The address on an interface without a cable.
    WrongInterface,
    /// The address in a VLAN. This kernel cannot make one, so there is none that answers.
    WrongVlan,
    /// kill -9 of sealift.
    Killed,
    /// sealift stands still: nobody says that it stays.
    Frozen,
    /// The node's cable is pulled out.
    CableOut,
    /// The node's power is cut.
    PowerCut,
}

impl Fault {
    /// Whether the cluster file itself is wrong: then the change is never kept.
    pub(super) fn is_in_the_file(self) -> bool {
        matches!(self, Self::WrongGateway | Self::WrongInterface | Self::WrongVlan)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing goes wrong",
            Self::WrongGateway => "wrong gateway",
            Self::WrongInterface => "wrong interface",
            Self::WrongVlan => "wrong VLAN",
            Self::Killed => "sealift killed",
            Self::Frozen => "no confirmation",
            Self::CableOut => "cable out",
            Self::PowerCut => "power cut",
        })
    }
}
