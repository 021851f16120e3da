//! Projects as people name them: a folder, an id, the last part of a path.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use tooltally::{Filter, GroupBy, GroupKey, Project, ProjectId, Queries, Selection};

use crate::diagnostics::Failure;
use crate::output::sanitize::one_line;

/// The most candidates that an error lists.
const MOST_CANDIDATES: usize = 20;

/// Every project that the store knows, most used first, then those that only settings are known of.
///
/// # Errors
/// As [`Queries::usage`].
pub fn known<Q: Queries + ?Sized>(store: &Q) -> tooltally::Result<Vec<Project>> {
    let rows = store.usage(&Selection::all(), &GroupBy::Project)?;
    let project = |key| match key {
        GroupKey::Project(project) => project,
        _ => None,
    };
    let mut known: Vec<Project> = rows.into_iter().filter_map(|row| project(row.key)).collect();
    let mut ids: HashSet<ProjectId> = known.iter().map(|project| project.id).collect();
    let registered = store.registered(&Filter::Any)?.into_iter().filter_map(|registered| registered.discovered.project);
    known.extend(registered.filter(|project| ids.insert(project.id)));
    Ok(known)
}

/// Which project a person means: a folder, an id or the start of one, or the last parts of a path.
///
/// A folder that is there names itself, recorded or not; so does a whole id. Only then names of known projects count.
///
/// # Errors
/// A failure that lists the candidates, where the text means none of the known projects, or several.
pub fn resolve(text: &OsStr, known: &[Project]) -> Result<ProjectId, Failure> {
    let folder = folder_there(Path::new(text));
    let text = text.to_string_lossy();
    let trimmed = Path::new(text.trim_end_matches(['/', '\\']));
    let absolute = std::path::absolute(trimmed).ok();
    if let Some(folder) = folder {
        // By its path without links, as hooks record it, or by its path as written, as transcripts have it.
        let of_folder = recorded([Some(folder.as_path()), absolute.as_deref()], known);
        return Ok(of_folder.unwrap_or_else(|| id_of(&folder)));
    }
    // A folder of another machine, or one that is gone.
    if let Some(id) = recorded([absolute.as_deref(), Some(trimmed)], known) {
        return Ok(id);
    }
    let mut matching: Vec<&Project> = known.iter().filter(|project| means(&text, project)).collect();
    matching.dedup_by_key(|project| project.id);
    match matching.as_slice() {
        [only] => Ok(only.id),
        [] => text.parse().map_err(|_| unknown(&text, known)),
        several => Err(ambiguous(&text, several, known)),
    }
}

/// The project that a person means, as [`resolve`] tells it, with its path where that is known.
///
/// # Errors
/// As [`resolve`].
pub fn named(text: &OsStr, known: &[Project]) -> Result<Project, Failure> {
    let id = resolve(text, known)?;
    if let Some(project) = known.iter().find(|project| project.id == id && project.path.is_some()) {
        return Ok(project.clone());
    }
    let of_folder = dunce::canonicalize(text).ok().map(|folder| of_path(&folder));
    Ok(of_folder.filter(|project| project.id == id).unwrap_or(Project::from_id(id)))
}

/// How a sentence names a project: by its path, else by its id; on one line, whatever the path holds.
pub fn shown(project: &Project) -> String {
    project.path.as_ref().map_or_else(|| project.id.to_string(), |path| one_line(path.as_str()).into_owned())
}

/// The project in this folder, its path taken literally; by its id alone where the path is none that can be kept.
pub(crate) fn of_path(path: &Path) -> Project {
    Project::from_path(path.to_string_lossy()).unwrap_or(Project::from_id(id_of(path)))
}

/// The id of the project in this folder, its path taken literally.
fn id_of(path: &Path) -> ProjectId {
    ProjectId::of_path(&path.to_string_lossy())
}

/// The folder that a path leads to, without links; `None` where there is none.
fn folder_there(path: &Path) -> Option<PathBuf> {
    dunce::canonicalize(path).ok().filter(|path| path.is_dir())
}

/// The known project that has one of these paths, the first of them before the others.
fn recorded<const N: usize>(paths: [Option<&Path>; N], known: &[Project]) -> Option<ProjectId> {
    let mut ids = paths.into_iter().flatten().map(id_of);
    ids.find(|id| known.iter().any(|project| project.id == *id))
}

/// Whether a text that is no folder means this project.
fn means(text: &str, project: &Project) -> bool {
    let is_id_start = !text.is_empty() && project.id.to_string().starts_with(&text.to_ascii_lowercase());
    is_id_start || project.path.as_ref().is_some_and(|path| ends_with(path.as_str(), text))
}

/// Whether a path ends with these whole components.
fn ends_with(path: &str, end: &str) -> bool {
    let (path, end) = (components(path), components(end));
    !end.is_empty() && path.ends_with(&end)
}

/// A path's components. Paths come from every platform: only those that look like Windows' are cut at `\`.
fn components(path: &str) -> Vec<&str> {
    let is_windows = path.starts_with('\\') || path.get(1..3).is_some_and(|start| start == ":\\" || start == ":/");
    let is_separator = |c: char| c == '/' || (is_windows && c == '\\');
    path.split(is_separator).filter(|part| !part.is_empty()).collect()
}

fn unknown(text: &str, known: &[Project]) -> Failure {
    let failure = Failure::new(format!("no project is called '{text}'"));
    if known.is_empty() {
        return failure.hint("no project is recorded yet");
    }
    let candidates: Vec<&Project> = known.iter().collect();
    failure.hint(format!("recorded are:\n{}", listed(&candidates, known)))
}

fn ambiguous(text: &str, matching: &[&Project], known: &[Project]) -> Failure {
    Failure::new(format!("'{text}' may be any of {} projects", matching.len()))
        .hint(format!("write more of the path, or the start of the id:\n{}", listed(matching, known)))
}

fn listed(projects: &[&Project], known: &[Project]) -> String {
    let names = Names::of(known);
    let mut lines: Vec<String> = projects
        .iter()
        .take(MOST_CANDIDATES)
        .map(|project| format!("{}  {}", project.id, one_line(&names.name(project))))
        .collect();
    if projects.len() > MOST_CANDIDATES {
        lines.push(format!("… and {} more", projects.len() - MOST_CANDIDATES));
    }
    lines.join("\n")
}

/// Short names of projects, none of them for two.
#[derive(Debug, Default)]
pub struct Names(HashMap<ProjectId, String>);

impl Names {
    /// The names of these projects: the last components of their paths, as many as tell them apart.
    pub fn of(projects: &[Project]) -> Self {
        let paths: Vec<(ProjectId, &str, Vec<&str>)> = projects
            .iter()
            .filter_map(|project| project.path.as_ref().map(|path| (project.id, path.as_str())))
            .map(|(id, path)| (id, path, components(path)))
            .collect();
        let mut ends: HashMap<Vec<&str>, u32> = HashMap::new();
        for (_, _, parts) in &paths {
            for taken in 1..=parts.len() {
                *ends.entry(last(parts, taken).to_vec()).or_default() += 1;
            }
        }
        let is_alone = |end: &[&str]| ends.get(end) == Some(&1);
        let is_twice = |path: &str| paths.iter().filter(|(_, other, _)| *other == path).count() > 1;
        let names = paths.iter().map(|(id, path, parts)| {
            let short = (1..parts.len()).map(|taken| last(parts, taken)).find(|end| is_alone(end));
            let name = match short {
                Some(end) => end.join(if path.contains('/') { "/" } else { "\\" }),
                // The same path with another id, as event lines may have it.
                None if is_twice(path) => format!("{path} ({id})"),
                None => (*path).to_owned(),
            };
            (*id, name)
        });
        Self(names.collect())
    }

    /// A project's name; its id where no path is known.
    pub fn name(&self, project: &Project) -> String {
        self.0.get(&project.id).cloned().unwrap_or_else(|| project.id.to_string())
    }
}

fn last<'a, 'b>(parts: &'a [&'b str], taken: usize) -> &'a [&'b str] {
    parts.get(parts.len().saturating_sub(taken)..).unwrap_or(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn projects(paths: &[&str]) -> Vec<Project> {
        paths.iter().map(|path| Project::from_path(path).unwrap()).collect()
    }

    fn resolved(text: &str, known: &[Project]) -> Result<ProjectId, String> {
        resolve(OsStr::new(text), known).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_project_goes_by_its_id_its_start_and_its_last_components() {
        let known = projects(&["/nowhere/work/app", "/nowhere/home/app", "/nowhere/home/site", r"C:\dev\tool"]);
        let id = known[2].id;
        let start = &id.to_string()[..6];
        for text in [id.to_string().as_str(), start, "site", "home/site", "/nowhere/home/site", "/nowhere/home/site/"] {
            assert_eq!(resolved(text, &known), Ok(id), "{text}");
        }
        assert_eq!(resolved("work/app", &known), Ok(known[0].id));
        assert_eq!(resolved("tool", &known), Ok(known[3].id));
        assert_eq!(resolved(r"C:\dev\tool", &known), Ok(known[3].id));
    }

    #[test]
    fn what_is_ambiguous_or_unknown_lists_the_candidates() {
        let known = projects(&["/nowhere/work/app", "/nowhere/home/app"]);
        let text = resolved("app", &known).unwrap_err();
        assert!(text.contains("2 projects") && text.contains("work/app") && text.contains("home/app"), "{text}");
        let text = resolved("other", &known).unwrap_err();
        assert!(text.contains("'other'") && text.contains(&known[0].id.to_string()), "{text}");
        assert!(resolved("pp", &known).is_err(), "a part of a component is no name");
    }

    #[test]
    fn a_folder_names_itself_through_links_recorded_or_not() {
        let place = tempfile::tempdir().unwrap();
        let folder = dunce::canonicalize(place.path()).unwrap().join("app");
        std::fs::create_dir(&folder).unwrap();
        let id = ProjectId::of_path(folder.to_str().unwrap());
        assert_eq!(resolved(folder.to_str().unwrap(), &[]), Ok(id));
        #[cfg(unix)]
        {
            let link = place.path().join("link");
            std::os::unix::fs::symlink(&folder, &link).unwrap();
            assert_eq!(resolved(link.to_str().unwrap(), &[]), Ok(id));
            // A transcript recorded the folder by its link.
            let known = projects(&[link.to_str().unwrap()]);
            assert_eq!(resolved(link.to_str().unwrap(), &known), Ok(known[0].id));
        }
    }

    #[test]
    fn a_whole_id_needs_no_record() {
        assert_eq!(resolved("00112233445566ff", &[]).unwrap().to_string(), "00112233445566ff");
    }

    #[test]
    fn names_are_as_short_as_they_can_be() {
        let known = projects(&["/home/a/app", "/home/b/app", "/home/b/site", "app", r"C:\dev\tool", "/"]);
        let names = Names::of(&known);
        let shown: Vec<String> = known.iter().map(|project| names.name(project)).collect();
        assert_eq!(shown, ["a/app", "b/app", "site", "app", "tool", "/"]);
    }
}
