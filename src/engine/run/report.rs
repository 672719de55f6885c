//! What a run did.

/// What a run did.
#[derive(Debug, Clone, Default)]
pub struct RunReport {
    /// Changes applied and verified.
    pub changes: usize,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Every step that ended well, for the waterfall.
    pub steps: Vec<StepTime>,
}

/// When a step ran.
#[derive(Debug, Clone, PartialEq)]
pub struct StepTime {
    /// The play.
    pub play: String,
    /// The node, or `cluster`.
    pub node: String,
    /// The step's name.
    pub step: String,
    /// Seconds since the run began.
    pub started: f64,
    /// Seconds it took.
    pub seconds: f64,
    /// Changes it applied.
    pub changes: usize,
}
