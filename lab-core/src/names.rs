//! Types whose values have the names that Keras gives them.

/// Gives an enum without fields `ALL`, `name()`, `Display` and `FromStr` from a list of its values and their names.
macro_rules! named {
    ($type:ident, $kind:literal, $count:literal, { $($value:ident => $name:literal),* $(,)? }) => {
        impl $type {
            /// All values, in the order of this type.
            pub const ALL: [Self; $count] = [$(Self::$value),*];

            /// Keras's name for it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)*
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::error::LabError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let wanted = text.trim().to_lowercase();
                let found = Self::ALL.into_iter().find(|value| value.name() == wanted);
                found.ok_or_else(|| $crate::error::LabError::name($kind, text, &Self::ALL.map(Self::name)))
            }
        }
    };
}
pub(crate) use named;
