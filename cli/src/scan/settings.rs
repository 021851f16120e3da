//! What the settings files say of plugins and servers: which are on, which are off.
//! <https://code.claude.com/docs/en/settings>

use std::collections::{BTreeMap, BTreeSet};

use super::cause::Cause;
use super::gathering::Gathering;
use super::json::{Members, members, members_of, texts_of};
use super::places::Places;
use super::root::{MAX_BYTES, Root, own_text};

/// The largest file that the agent keeps its state in, in bytes: it holds much of every project.
pub(super) const MAX_STATE_BYTES: u64 = 32 << 20;

/// What the settings say.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Plugins that the person's own settings turn on, for every project, or off.
    pub(super) own_plugins: BTreeMap<String, bool>,
    /// Those that all settings together turn on or off for this project.
    pub(super) plugins: BTreeMap<String, bool>,
    /// Of those that they turn off, where the last word of it stands.
    pub(super) off_in: BTreeMap<String, String>,
    /// Servers of the project's `.mcp.json` that are off.
    pub(super) refused: BTreeSet<String>,
    /// What the agent keeps: its text, as far as it could be read.
    pub(super) state: Option<String>,
}

impl Settings {
    /// Reads the person's settings, the project's, and those of the person for the project.
    pub(super) fn read(places: &Places, gathering: &mut Gathering) -> Self {
        let mut settings = Self::default();
        let (path, label) = places.own("settings.json");
        let own = own_text(&path, MAX_BYTES);
        if let Some(said) = settings.add(own, label, gathering) {
            settings.own_plugins = said;
        }
        if !places.is_own_folder()
            && let Ok(Some(root)) = Root::open(&places.project_folder, "")
        {
            for file in [".claude/settings.json", ".claude/settings.local.json"] {
                settings.add(root.text(file), root.label(file), gathering);
            }
        }
        settings.state = own_text(&places.state, MAX_STATE_BYTES).unwrap_or_else(|cause| {
            gathering.skip(places.state_label.to_owned(), &cause);
            None
        });
        settings
    }

    /// Adds what a file says, which outweighs what was said before; answers what it says of plugins.
    fn add(
        &mut self,
        text: Result<Option<String>, Cause>,
        label: String,
        gathering: &mut Gathering,
    ) -> Option<BTreeMap<String, bool>> {
        let said = text.and_then(|text| text.as_deref().map(read).transpose());
        match said {
            Ok(None) => None,
            Ok(Some((plugins, refused))) => {
                for (id, is_on) in &plugins {
                    if *is_on {
                        self.off_in.remove(id);
                    } else {
                        self.off_in.insert(id.clone(), label.clone());
                    }
                }
                self.plugins.extend(plugins.clone());
                self.refused.extend(refused);
                Some(plugins)
            }
            Err(cause) => {
                // It may have turned any of them on.
                gathering.keep_plugins();
                gathering.skip(label, &cause);
                None
            }
        }
    }
}

type Said = (BTreeMap<String, bool>, Vec<String>);

fn read(text: &str) -> Result<Said, Cause> {
    let file = members("it", text)?;
    let plugins = members_of(&file, "enabledPlugins")?;
    // A list of versions turns a plugin on, as `true` does.
    let is_on = |value: &str| value == "true" || value.starts_with('[');
    let plugins = plugins.into_iter().map(|(id, value)| (id, is_on(value.get()))).collect();
    Ok((plugins, refused(&file)?))
}

/// The servers of `.mcp.json` that an object turns off.
pub(super) fn refused(object: &Members<'_>) -> Result<Vec<String>, Cause> {
    texts_of(object, "disabledMcpjsonServers")
}
