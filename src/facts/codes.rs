//! Codes whose meaning depends on the vendor: what the vendor's own table says of them.

use super::rows;
use serde::Deserialize;
use std::sync::LazyLock;

/// Codes of one vendor with one meaning, from `codes.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct VendorCode {
    /// The codes, as they stand in the body.
    pub codes: Vec<String>,
    /// Whose they are.
    pub vendor: String,
    /// What they say.
    pub meaning: String,
    /// Ids of failure modes, the likeliest first.
    pub modes: Vec<String>,
    /// The vendor's table.
    pub source: String,
}

static CODES: LazyLock<Vec<VendorCode>> = LazyLock::new(|| rows(data!("codes")));

/// Every code of every vendor, in the order of the file.
pub fn vendor_codes() -> &'static [VendorCode] {
    &CODES
}

/// What vendors mean by this code, in any case of letters.
pub fn vendors_of_code(code: &str) -> Vec<&'static VendorCode> {
    CODES.iter().filter(|row| row.codes.iter().any(|own| own.eq_ignore_ascii_case(code))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_usable() {
        let mut seen = std::collections::BTreeSet::new();
        for row in vendor_codes() {
            assert!(row.source.starts_with("https://") && !row.modes.is_empty() && !row.meaning.is_empty(), "{:?}", row.codes);
            for code in &row.codes {
                assert!(seen.insert((&row.vendor, code)), "{code} of {} stands twice", row.vendor);
            }
        }
    }

    #[test]
    fn a_code_of_several_vendors_has_several_meanings() {
        let vendors: Vec<_> = vendors_of_code("1008").iter().map(|row| row.vendor.as_str()).collect();
        assert_eq!(vendors, ["MiniMax", "Cloudflare"]);
        assert_eq!(vendors_of_code("accountoverdueerror")[0].modes[0], "credits-exhausted");
        assert!(vendors_of_code("").is_empty());
    }
}
