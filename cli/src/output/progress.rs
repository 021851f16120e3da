//! Progress on a terminal; nothing where stderr is none.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over events.
pub fn of_events(doing: &'static str) -> ProgressBar {
    styled(ProgressBar::new(0), "{msg} {wide_bar:.cyan/dim} {human_pos}/{human_len} events").with_message(doing)
}

/// A bar over bytes; a spinner where nobody knows how many will come.
pub fn of_bytes(total: Option<u64>) -> ProgressBar {
    match total {
        Some(total) => {
            styled(ProgressBar::new(total), "{wide_bar:.cyan/dim} {bytes}/{total_bytes} · {msg} · {eta} left")
        }
        None => styled(ProgressBar::no_length(), "{spinner} {bytes} · {msg}"),
    }
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style.progress_chars("█▉▊▋▌▍▎▏ "))
}
