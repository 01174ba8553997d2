//! A panic is our bug: it is told in a line, not in a trace.

use super::printer::say;
use std::panic::PanicHookInfo;

pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line()));
        say(&format!(
            "error: casparian has a bug: {}{}\nhint: nothing is lost; please report this line, then run the command again",
            super::clean(text.unwrap_or("a panic without words")),
            place.unwrap_or_default(),
        ));
    }));
}
