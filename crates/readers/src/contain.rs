//! Libraries that meet bytes they did not expect may panic. Here that ends as an error of the file, and prints nothing.

use crate::error::ReadError;
use crate::format::Format;
use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// What `read` panics over is the file's fault. Whoever gets an error from here lets go of what `read` worked on.
pub(crate) fn contained<T>(
    format: Format,
    read: impl FnOnce() -> Result<T, ReadError>,
) -> Result<T, ReadError> {
    quiet_hook();
    let outer = CONTAINED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(read));
    CONTAINED.set(outer);
    result.unwrap_or_else(|panic| Err(ReadError::Damaged { format, reason: said(panic.as_ref()) }))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("its reader gave up ({})", said.unwrap_or("without saying why"))
}

/// The hook that was there goes on telling all other panics.
fn quiet_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CONTAINED.get() {
                others(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_that_says_what_it_said() {
        let result: Result<(), _> = contained(Format::Excel, || panic!("index out of bounds"));
        assert_eq!(
            result.unwrap_err().to_string(),
            "the excel file is damaged: its reader gave up (index out of bounds)"
        );
        assert!(contained(Format::Excel, || Ok(1)).is_ok());
    }
}
