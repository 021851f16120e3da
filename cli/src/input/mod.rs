//! Bytes from outside, turned into events: hook payloads, transcripts, logs, databases, event lines.
