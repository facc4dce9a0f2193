//! Points in time, as the standards write them: whole seconds since 1970.

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// The crate reads no clock; every evaluator takes the time as an argument.
///
/// ```
/// use bonafide::UnixTime;
/// use std::time::SystemTime;
///
/// let now = UnixTime::from(SystemTime::now());
/// assert!(now > UnixTime(1_795_478_400));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct UnixTime(pub u64);

impl From<std::time::SystemTime> for UnixTime {
    /// A time before 1970 becomes 1970.
    fn from(time: std::time::SystemTime) -> Self {
        Self(time.duration_since(std::time::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs()))
    }
}

impl std::fmt::Display for UnixTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
