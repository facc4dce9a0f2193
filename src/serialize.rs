//! Types whose form for programs is their `Display` text.

/// Implements `Serialize` by `Display`, with the feature `serde`.
macro_rules! serialize_as_text {
    ($($type:ty),* $(,)?) => {
        $(
            #[cfg(feature = "serde")]
            impl serde::Serialize for $type {
                /// As its `Display` text.
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }
        )*
    };
}

pub(crate) use serialize_as_text;
