//! Both rules on tools whose failure rates are known.

use tooltally_core::policy::evaluate::demotion::{Options, Simulated, simulate};

#[test]
fn the_rule_demotes_as_seldom_and_as_soon_as_the_predecessors_and_knows_a_broken_tool_for_longer() {
    let results = simulate(&Options::default());
    for result in &results {
        println!("{result:?}");
    }
    let of = |name: &str| -> &Simulated { results.iter().find(|result| result.profile.name == name).unwrap() };
    for name in ["flawless", "sound", "fair", "moody"] {
        let (rule, old) = (of(name).rule, of(name).predecessor);
        // A false demotion is never more frequent than it was.
        assert!(rule.demotions_per_1000 <= old.demotions_per_1000, "{name}");
        assert!(rule.demoted_share < 0.15, "{name}");
    }
    assert!(of("sound").rule.demotions_per_1000 < 1.5);
    for name in ["broken", "dead", "breaks"] {
        let (rule, old) = (of(name).rule, of(name).predecessor);
        // As soon, and then for good: no lucky call ends it.
        assert_eq!(rule.calls_to_demote, old.calls_to_demote, "{name}");
        assert!(rule.calls_to_demote.unwrap() < 8.0, "{name}");
        assert!(rule.demoted_share > old.demoted_share, "{name}");
        assert!(rule.demotions_per_1000 < old.demotions_per_1000, "{name}");
    }
    assert!(of("is mended").rule.calls_to_trust.unwrap() < 6.0);
}

#[test]
fn the_same_seed_gives_the_same_result() {
    let options = Options { tools: 20, ..Options::default() };
    assert_eq!(simulate(&options), simulate(&options));
    assert_ne!(simulate(&options), simulate(&Options { seed: 2, ..options }));
}
