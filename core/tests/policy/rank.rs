//! Relevance: what raises a tool, and what lowers it.

use tooltally_core::ToolName;
use tooltally_core::policy::rank::{Facts, Ranked, Weights, rank, rank_servers};
use tooltally_core::policy::status::Standing;

fn facts(name: &str, recent_uses: u64, age: u64, successes: u64, failures: u64) -> Facts {
    let tool = ToolName::new(name).unwrap();
    Facts { recent_uses, age: Some(age), successes, failures, ..Facts::new(tool) }
}

fn names(ranked: &[Ranked]) -> Vec<&str> {
    ranked.iter().map(|ranked| ranked.facts.tool.as_str()).collect()
}

#[test]
fn each_term_raises_a_tool() {
    let weights = Weights::default();
    let more_used = rank(vec![facts("a", 10, 5, 10, 0), facts("b", 20, 5, 20, 0)], &weights);
    assert_eq!(names(&more_used), ["b", "a"]);
    let later = rank(vec![facts("a", 10, 50, 10, 0), facts("b", 10, 5, 10, 0)], &weights);
    assert_eq!(names(&later), ["b", "a"]);
    let better = rank(vec![facts("a", 10, 5, 5, 5), facts("b", 10, 5, 10, 0)], &weights);
    assert_eq!(names(&better), ["b", "a"]);
    let equal = rank(vec![facts("b", 10, 5, 10, 0), facts("a", 10, 5, 10, 0)], &weights);
    assert_eq!(names(&equal), ["a", "b"]);
}

#[test]
fn few_calls_say_little() {
    let ranked = rank(vec![facts("new", 1, 0, 0, 1), facts("old", 1, 0, 50, 50)], &Weights::default());
    let success = |name| ranked.iter().find(|ranked| ranked.facts.tool.as_str() == name).unwrap().score.success;
    assert!((success("new") - 9.0 / 11.0).abs() < 1e-12);
    assert!((success("old") - 59.0 / 110.0).abs() < 1e-12);
}

#[test]
fn what_is_not_trusted_is_lower_and_never_gone() {
    let standings = [Standing::Demoted, Standing::Stale, Standing::Probation, Standing::Active];
    let tools = standings.map(|standing| Facts { standing, ..facts(&format!("{standing:?}"), 10, 5, 10, 0) });
    let ranked = rank(tools.to_vec(), &Weights::default());
    assert_eq!(names(&ranked), ["Active", "Probation", "Stale", "Demoted"]);
    assert!(ranked.iter().all(|ranked| ranked.score.total() > 0.0));
}

#[test]
fn recency_falls_without_a_step() {
    let weights = Weights::default();
    let recency = |age: Option<u64>| rank(vec![Facts { age, ..facts("a", 1, 0, 1, 0) }], &weights)[0].score.recency;
    let latest = weights.latest as u64;
    // As the store tells it: what is not among the latest has no age.
    let ages = (0..latest).map(Some).chain([None]).map(recency).collect::<Vec<f64>>();
    assert!((ages[0] - 1.0).abs() < 1e-12 && ages.last().unwrap().abs() < 1e-12);
    let steps = ages.windows(2).map(|pair| pair[0] - pair[1]);
    assert!(steps.clone().all(|step| step > 0.0 && step < 0.02), "{:?}", steps.fold(0.0, f64::max));
    let none = Weights { latest: 0, ..weights };
    assert!(rank(vec![facts("a", 1, 0, 1, 0)], &none)[0].score.recency.abs() < 1e-12);
}

#[test]
fn a_score_is_the_sum_that_it_shows() {
    let never = Facts { age: None, ..facts("never", 0, 0, 0, 0) };
    let ranked = rank(vec![never, facts("a", 3, 64, 30, 10)], &Weights::default());
    assert_eq!(ranked[0].score.to_string(), "0.796 = 1 × (0.5 × 1.000 + 0.3 × 0.467 + 0.2 × 0.780)");
    assert_eq!(ranked[1].score.to_string(), "0.180 = 1 × (0.5 × 0.000 + 0.3 × 0.000 + 0.2 × 0.900)");
}

#[test]
fn a_servers_tools_and_prompts_have_names_of_their_own() {
    let own = |name| facts(name, 0, 0, 0, 0).name_in_server().map(str::to_owned);
    for (name, expected) in [
        ("mcp__github__get_issue", Some("get_issue")),
        ("/mcp__github__review", Some("review")),
        ("SlashCommand(/mcp__github__review)", Some("review")),
        ("mcp__github", None),
        ("mcp__github__*", None),
        ("Bash", None),
    ] {
        assert_eq!(own(name).as_deref(), expected, "{name}");
    }
}

#[test]
fn servers_gather_their_tools() {
    let tools = vec![
        facts("Bash", 60, 0, 60, 0),
        facts("mcp__github__get_issue", 25, 9, 20, 5),
        Facts { standing: Standing::Demoted, ..facts("mcp__github__merge", 15, 3, 5, 10) },
        facts("mcp__plugin_figma_figma__get", 2, 700, 2, 0),
    ];
    let weights = Weights::default();
    let servers = rank_servers(&rank(tools, &weights), &weights);
    let [github, figma] = &servers[..] else { panic!("{servers:?}") };
    assert_eq!(github.name, "mcp__github");
    assert_eq!(names(&github.tools), ["mcp__github__get_issue", "mcp__github__merge"]);
    // Forty of 102 calls, the last one three calls ago, 25 of 40 succeeded; one of its tools is trusted.
    assert!((github.score.share - 40.0 / 102.0).abs() < 1e-12);
    assert!((github.score.success - 34.0 / 50.0).abs() < 1e-12);
    assert!((github.score.standing - 1.0).abs() < 1e-12);
    assert_eq!((figma.name.as_str(), figma.tools[0].facts.name_in_server()), ("mcp__plugin_figma_figma", Some("get")));
}
