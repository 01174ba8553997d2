//! What PostgreSQL makes of the names of columns.

use crate::sinks::sql::NameRules;

pub const NAMES: NameRules = NameRules {
    database: "PostgreSQL",
    columns_max: 1_600,
    bytes_max: 63,
    ignores_case: false,
    // No name is empty, and every table has the others already.
    reserved: &["", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_server_would_change_get_an_ending_of_their_own() {
        let long = "ä".repeat(100);
        let other = "ä".repeat(101);
        let names = NAMES.stored(&["a", "A", "", "ctid", &long, &other, "a \"b\""]);
        assert_eq!((&*names[0], &*names[1], &*names[6]), ("a", "A", "a \"b\""));
        assert!(names[2].starts_with('_') && names[3].starts_with("ctid_"), "{names:?}");
        assert!(names[4].len() <= NAMES.bytes_max && names[4] != names[5], "{names:?}");
        let fewer = NAMES.stored(&["a", "A", "", "ctid", &long]);
        assert_eq!(fewer, names[..5]);
    }

    #[test]
    fn what_no_table_can_have_is_refused_by_name() {
        let topic = "t".parse().unwrap();
        let error = NAMES.check(&topic, ["a\0b"]).unwrap_err().to_string();
        assert!(error.contains("\"a\\0b\" holds a NUL"), "{error}");
        let error = NAMES.check(&topic, ["a"; 1_599]).unwrap_err().to_string();
        assert!(error.contains("1601 columns with those of the lineage"), "{error}");
    }
}
