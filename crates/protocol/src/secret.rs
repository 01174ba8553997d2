//! What of an address may be shown.

/// Without what may be a user, a password or a parameter.
pub fn without_secrets(uri: &str) -> String {
    let shown = uri.split('?').next().unwrap_or_default();
    match (shown.split_once("://"), shown.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://...@{rest}"),
        (None, Some((before, rest))) if !before.is_empty() => format!("...@{rest}"),
        _ => shown.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_user_nor_password_nor_parameters_are_shown() {
        let check = |uri, expected| assert_eq!(without_secrets(uri), expected);
        check("postgresql://me:secret@host:5432/db", "postgresql://...@host:5432/db");
        check("postgresql://me:se@cret@host/db?password=x", "postgresql://...@host/db");
        check("me:secret@host", "...@host");
        check("@warehouse", "@warehouse");
        check("parquet://shop/sales", "parquet://shop/sales");
    }
}
