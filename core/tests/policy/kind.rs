//! Real names, and what they tell.

use tooltally_core::ToolName;
use tooltally_core::policy::kind::Kind::{BuiltIn, McpServer, McpTool, Plugin, Skill, SlashCommand, Unknown};
use tooltally_core::policy::kind::{Identity, Kind, Scope};

type Row = (&'static str, Kind, Option<&'static str>, Option<&'static str>, Option<&'static str>, Option<Scope>);

/// Name, kind, plugin, server, tool, scope.
const NAMES: &[Row] = &[
    ("Bash", BuiltIn, None, None, Some("Bash"), Some(Scope::BuiltIn)),
    ("Task", BuiltIn, None, None, Some("Task"), Some(Scope::BuiltIn)),
    ("Agent", BuiltIn, None, None, Some("Agent"), Some(Scope::BuiltIn)),
    ("LS", BuiltIn, None, None, Some("LS"), Some(Scope::BuiltIn)),
    ("KillBash", BuiltIn, None, None, Some("KillBash"), Some(Scope::BuiltIn)),
    ("BashOutput", BuiltIn, None, None, Some("BashOutput"), Some(Scope::BuiltIn)),
    ("MultiEdit", BuiltIn, None, None, Some("MultiEdit"), Some(Scope::BuiltIn)),
    ("exit_plan_mode", BuiltIn, None, None, Some("exit_plan_mode"), Some(Scope::BuiltIn)),
    ("Skill", BuiltIn, None, None, Some("Skill"), Some(Scope::BuiltIn)),
    ("SlashCommand", BuiltIn, None, None, Some("SlashCommand"), Some(Scope::BuiltIn)),
    ("TaskUpdate", BuiltIn, None, None, Some("TaskUpdate"), Some(Scope::BuiltIn)),
    ("ListMcpResourcesTool", BuiltIn, None, None, Some("ListMcpResourcesTool"), Some(Scope::BuiltIn)),
    // Servers with hyphens, underscores, and tools with double underscores.
    ("mcp__github__get_issue", McpTool, None, Some("github"), Some("get_issue"), None),
    ("mcp__hey-daddy__store_daddy", McpTool, None, Some("hey-daddy"), Some("store_daddy"), None),
    (
        "mcp__byterover-mcp__byterover-store-knowledge",
        McpTool,
        None,
        Some("byterover-mcp"),
        Some("byterover-store-knowledge"),
        None,
    ),
    ("mcp__memory_bank__read_graph", McpTool, None, Some("memory_bank"), Some("read_graph"), None),
    ("mcp__linear__a__b", McpTool, None, Some("linear"), Some("a__b"), None),
    ("mcp__mem____IMPORTANT", McpTool, None, Some("mem"), Some("__IMPORTANT"), None),
    ("mcp__ide__getDiagnostics", McpTool, None, Some("ide"), Some("getDiagnostics"), Some(Scope::Editor)),
    (
        "mcp__claude_ai_Google_Calendar__create_event",
        McpTool,
        None,
        Some("claude_ai_Google_Calendar"),
        Some("create_event"),
        Some(Scope::Account),
    ),
    // Plugins' servers.
    (
        "mcp__plugin_figma_figma__get_design_context",
        McpTool,
        Some("figma"),
        Some("figma"),
        Some("get_design_context"),
        Some(Scope::Plugin),
    ),
    (
        "mcp__plugin_claude-mem_mcp-search____IMPORTANT",
        McpTool,
        Some("claude-mem"),
        Some("mcp-search"),
        Some("__IMPORTANT"),
        Some(Scope::Plugin),
    ),
    (
        "mcp__plugin_everything-claude-code_exa__web_search_exa",
        McpTool,
        Some("everything-claude-code"),
        Some("exa"),
        Some("web_search_exa"),
        Some(Scope::Plugin),
    ),
    (
        "mcp__plugin_forge_memory_bank__read",
        McpTool,
        Some("forge"),
        Some("memory_bank"),
        Some("read"),
        Some(Scope::Plugin),
    ),
    // A plugin of two words, cleaned by the agent, with a server of its own name.
    ("mcp__plugin_my_tool_my_tool__go", McpTool, Some("my_tool"), Some("my_tool"), Some("go"), Some(Scope::Plugin)),
    // No two names: a server that is called so.
    ("mcp__plugin_lonely__go", McpTool, None, Some("plugin_lonely"), Some("go"), None),
    // Whole servers.
    ("mcp__github", McpServer, None, Some("github"), None, None),
    ("mcp__github__*", McpServer, None, Some("github"), None, None),
    ("mcp__github__", McpServer, None, Some("github"), None, None),
    ("mcp__plugin_lorerim_lorerim", McpServer, Some("lorerim"), Some("lorerim"), None, Some(Scope::Plugin)),
    // Commands, skills, plugins.
    ("/commit", SlashCommand, None, None, Some("commit"), None),
    ("/forge:plan", SlashCommand, Some("forge"), None, Some("plan"), Some(Scope::Plugin)),
    ("SlashCommand(/review-pr)", SlashCommand, None, None, Some("review-pr"), None),
    ("/mcp__github__list_prs", SlashCommand, None, Some("github"), Some("list_prs"), None),
    ("Skill(pdf)", Skill, None, None, Some("pdf"), None),
    ("Skill(superpowers:brainstorming)", Skill, Some("superpowers"), None, Some("brainstorming"), Some(Scope::Plugin)),
    ("superpowers:brainstorming", Skill, Some("superpowers"), None, Some("brainstorming"), Some(Scope::Plugin)),
    ("formatter@acme-tools", Plugin, Some("formatter"), None, None, Some(Scope::Plugin)),
    // Other agents' tools, and what is no name at all.
    ("apply_patch", Unknown, None, None, Some("apply_patch"), None),
    ("bash", Unknown, None, None, Some("bash"), None),
    ("mcp__", Unknown, None, None, Some("mcp__"), None),
    ("/", Unknown, None, None, Some("/"), None),
    ("/usr/bin/env", Unknown, None, None, Some("/usr/bin/env"), None),
    ("Skill()", Unknown, None, None, Some("Skill()"), None),
    ("Bash(git status)", Unknown, None, None, Some("Bash(git status)"), None),
    ("工具", Unknown, None, None, Some("工具"), None),
];

#[test]
fn real_names_tell_what_they_are() {
    for (text, kind, plugin, server, tool, scope) in NAMES.iter().copied() {
        let name = ToolName::new(text).unwrap();
        assert_eq!(Identity::of(&name), Identity { kind, plugin, server, tool, scope }, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn any_name_is_read_and_its_parts_are_parts_of_it(
        text in "(mcp__|plugin_|/|Skill\\(|SlashCommand\\(|_|__|[a-zé:@*)]){1,12}",
    ) {
        let name = ToolName::new(&text).unwrap();
        let identity = Identity::of(&name);
        for part in [identity.plugin, identity.server, identity.tool].into_iter().flatten() {
            proptest::prop_assert!(!part.is_empty() && text.contains(part), "{identity:?}");
        }
    }
}
