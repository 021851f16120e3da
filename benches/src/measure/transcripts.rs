//! Transcripts in Claude Code's shape, made from the workload's calls.
//!
//! Sizes follow real ones: about 8 KB per call; of these a tool's result takes most, twice (as the model
//! reads it, and as the program keeps it); the rest is calls, text, thinking and progress.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};
use tooltally::Outcome;

use crate::Result;
use crate::workload::{Workload, WorkloadEvent};

/// Calls in a file.
const CALLS: usize = 800;
/// About as many bytes does a call take.
const BYTES_PER_CALL: u64 = 8_300;
/// Bytes of a result, from the least to the most, as often as in real ones.
const RESULT_BYTES: [usize; 16] =
    [60, 90, 130, 200, 300, 450, 600, 800, 1_000, 1_300, 1_700, 2_200, 3_000, 5_000, 9_000, 16_000];
/// What tools answer with: code, with all that JSON has to escape.
const TEXT: &str = "    12\t    let path = folder.join(\"usage.db\");\n    13\t    // \u{2192} opened once, \"shared\"\n    \
                    14\t    let store = open(&path)?;\n    15\t    assert_eq!(store.head()?, Position::START);\n";

/// How many calls make about so many bytes.
pub(super) fn calls_for(bytes: u64) -> usize {
    usize::try_from(bytes / BYTES_PER_CALL).unwrap_or(usize::MAX).max(1)
}

/// Writes the calls into files of a new folder.
pub(super) fn write(folder: &Path, calls: &[WorkloadEvent]) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let mut files = Vec::new();
    for (number, calls) in calls.chunks(CALLS).enumerate() {
        let path = folder.join(format!("{}.jsonl", Workload::session_name(number as u64)));
        let mut file = BufWriter::new(File::create(&path)?);
        for call in calls {
            for line in lines(call)? {
                writeln!(file, "{line}")?;
            }
        }
        file.flush()?;
        files.push(path);
    }
    Ok(files)
}

/// The lines about one call.
fn lines(call: &WorkloadEvent) -> Result<Vec<Value>> {
    let started = call.time_micros - call.duration_micros.unwrap_or(0);
    let mut lines = Vec::new();
    if call.number.is_multiple_of(2) {
        let text = text(call.number, 400);
        lines.push(assistant(call, started, &json!([{"type": "text", "text": text}]))?);
    }
    if call.number.is_multiple_of(40) {
        let thinking = json!([{"type": "thinking", "thinking": text(call.number, 1_000), "signature": text(7, 200)}]);
        lines.push(assistant(call, started, &thinking)?);
    }
    lines.push(assistant(call, started, &json!([tool_use(call)]))?);
    if call.number % 2 == 1 {
        let data = json!({"type": "bash_progress", "output": text(call.number, 1_400), "elapsedTimeSeconds": 2});
        lines.push(line(call, "progress", started, json!({"data": data, "toolUseID": call.call_id()}))?);
    }
    lines.push(result(call)?);
    Ok(lines)
}

fn tool_use(call: &WorkloadEvent) -> Value {
    let input = json!({
        "command": "cargo test --workspace 2>&1 | tail -40",
        "file_path": format!("{}/src/lib.rs", Workload::project_path(call.project)),
        "new_string": text(call.number + 3, 700),
    });
    json!({"type": "tool_use", "id": call.call_id(), "name": Workload::tool_name(call.tool), "input": input})
}

fn assistant(call: &WorkloadEvent, micros: u64, content: &Value) -> Result<Value> {
    let usage = json!({"input_tokens": 3, "cache_creation_input_tokens": 15_955, "cache_read_input_tokens": 16_576,
        "output_tokens": 11, "service_tier": "standard"});
    let message = json!({"model": "claude-opus-4-6", "id": format!("msg_{:022x}", call.number), "type": "message",
        "role": "assistant", "content": content, "stop_reason": null, "stop_sequence": null, "usage": usage});
    line(call, "assistant", micros, json!({"message": message, "requestId": format!("req_{:022x}", call.number)}))
}

fn result(call: &WorkloadEvent) -> Result<Value> {
    let size = RESULT_BYTES.get(usize::try_from(call.number.wrapping_mul(7) % 16)?).copied().unwrap_or(0);
    let output = text(call.number, size);
    let answer = match call.outcome {
        Outcome::Success => output.clone(),
        Outcome::Failure => format!("Exit code 1\n{output}"),
        Outcome::Interrupted => "[Request interrupted by user for tool use]".to_owned(),
        Outcome::Rejected => "The user doesn't want to proceed with this tool use.".to_owned(),
        Outcome::Invalid => "<tool_use_error>InputValidationError: missing field</tool_use_error>".to_owned(),
    };
    let mut block = json!({"tool_use_id": call.call_id(), "type": "tool_result", "content": answer});
    if !call.outcome.is_success()
        && let Some(fields) = block.as_object_mut()
    {
        fields.insert("is_error".to_owned(), Value::Bool(true));
    }
    let mut kept = json!({"stdout": output, "stderr": "", "interrupted": false, "isImage": false});
    if let (Some(micros), Some(fields)) = (call.duration_micros, kept.as_object_mut()) {
        fields.insert("durationMs".to_owned(), json!(micros / 1000));
    }
    let message = json!({"role": "user", "content": [block]});
    line(call, "user", call.time_micros, json!({"message": message, "toolUseResult": kept}))
}

/// A line of a kind, with the fields that every line has before and after its own.
fn line(call: &WorkloadEvent, kind: &str, micros: u64, own: Value) -> Result<Value> {
    let time = Timestamp::from_microsecond(i64::try_from(micros)?)?.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    let mut line = json!({
        "parentUuid": Workload::session_name(call.number + 1), "isSidechain": false, "userType": "external",
        "cwd": Workload::project_path(call.project), "sessionId": Workload::session_name(call.session),
        "version": "2.1.139", "gitBranch": "main", "type": kind, "uuid": Workload::session_name(call.number + 2),
        "timestamp": time,
    });
    if let (Some(fields), Value::Object(own)) = (line.as_object_mut(), own) {
        fields.extend(own);
    }
    Ok(line)
}

/// Text of about so many bytes that begins anywhere in the sample.
fn text(number: u64, bytes: usize) -> String {
    let skip = usize::try_from(number % 150).unwrap_or(0);
    TEXT.chars().cycle().skip(skip).take(bytes).collect()
}
