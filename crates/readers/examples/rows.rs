//! Scratch.
use readers::{Input, Pins, Settings, open};
use std::fs::File;
use std::time::Instant;
fn main() {
    let mut args = std::env::args().skip(1).peekable();
    let mut pins = Pins::default();
    if let Some(p) = args.next_if(|a| a.starts_with("pins:")) {
        pins = Pins::parse(&p[5..]).unwrap();
    }
    for path in args {
        let begin = Instant::now();
        let said = std::panic::catch_unwind(|| {
            let input = Input::new(File::open(&path).unwrap()).unwrap();
            match open(&input, &pins, &Settings::default()) {
                Err(e) => format!("ERROR {e}"),
                Ok(r) => {
                    let f = r.decision.format;
                    let cols = r.schema.fields().len();
                    let (mut rows, mut rejects, mut err) = (0, 0, String::new());
                    for b in r {
                        match b {
                            Ok(b) => {
                                rows += b.rows.num_rows();
                                rejects += b.rejects.len()
                            }
                            Err(e) => err = format!(" THEN {e}"),
                        }
                    }
                    format!("OK {f} rows={rows} cols={cols} rejects={rejects}{err}")
                }
            }
        })
        .unwrap_or_else(|_| "PANIC".into());
        println!("{path}\t{said}\t{}ms", begin.elapsed().as_millis());
    }
}
