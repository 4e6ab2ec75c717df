//! What the search finds and keeps, on secrets that are put together here so that no file contains one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::io::Cursor;

use assay_model::finding::Severity;
use assay_model::inventory::Secret;
use proptest::prelude::*;

use super::scan::{Outcome, search, search_in_pieces};
use super::{SecretRules, in_image};

fn rules() -> &'static SecretRules {
    SecretRules::builtin().unwrap()
}

fn found(path: &str, text: &str) -> Vec<Secret> {
    search(rules(), path, &mut text.as_bytes()).unwrap().secrets
}

/// Text without meaning, of letters and digits, the same each time.
fn noise(length: usize, alphabet: &str, seed: u64) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        letters[usize::try_from(state % letters.len() as u64).unwrap()]
    };
    (0..length).map(|_| next()).collect()
}

const WORD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";

/// Rule, what stands around the secret, and the secret: one of each way to write a rule, and the well-known kinds.
fn planted() -> Vec<(&'static str, &'static str, String, &'static str)> {
    let word = |prefix: &str, length| format!("{prefix}{}", noise(length, WORD, length as u64 + 7));
    let hex = |prefix: &str, length| format!("{prefix}{}", noise(length, HEX, length as u64 + 3));
    let key = format!("\n{}\n{}\n", noise(64, WORD, 5), noise(64, WORD, 6));
    vec![
        ("github-pat", "token: ", word("ghp_", 36), "\n"),
        ("github-fine-grained-pat", "", format!("{}_{}", word("github_pat_", 22), noise(59, WORD, 4)), ""),
        ("gitlab-pat", "GITLAB=", word("glpat-", 20), ""),
        ("aws-access-key-id", "export AWS_ACCESS_KEY_ID=", format!("AKIA{}", noise(16, UPPER, 2)), "\n"),
        ("aws-secret-access-key", "aws_secret_access_key = \"", noise(40, WORD, 9), "\"\n"),
        ("slack-access-token", "slack ", format!("xoxb-{}", noise(24, LOWER, 11)), " "),
        ("stripe-secret-token", "k='", word("sk_live_", 24), "'"),
        ("facebook-token", "facebook_secret = \"", hex("", 32), "\""),
        ("heroku-api-key", "heroku.key: '", "a1b2c3d4-0011-2233-4455-66778899aabb".to_owned(), "'"),
        ("private-key", "-----BEGIN RSA PRIVATE KEY-----", key, "-----END RSA PRIVATE KEY-----\n"),
        ("dockerconfig-secret", "  .dockerconfigjson: ", word("ey", 80), "\n"),
        ("digitalocean-pat", "do: ", hex("dop_v1_", 64), "\n"),
        ("datadog-access-token", "DATADOG_API_KEY=", hex("", 32), "\n"),
        ("database-connection-string", "url = 'postgres://app:", noise(14, WORD, 21), "@db/app'"),
        ("azure-storage-account-key", "AccountKey=", format!("{}==", noise(86, WORD, 31)), ";"),
        ("generic-api-key", "client_secret = \"", noise(32, WORD, 41), "\""),
        (
            "jwt-token",
            "bearer ",
            format!("eyJ{}.eyJ{}.{}", noise(20, WORD, 1), noise(30, WORD, 2), noise(43, WORD, 3)),
            "",
        ),
        ("npm-access-token", "//r.example/:x=", word("npm_", 36), "\n"),
        ("telegram-bot-api-token", "telegram_token = ", format!("1234567890:A{}", noise(34, WORD, 8)), "\n"),
    ]
}

#[test]
fn every_expression_can_be_read() {
    let rules = rules();
    for rule in &rules.rules {
        assert!(rule.regex().is_some(), "{}", rule.id);
    }
    assert!(rules.rules.len() > 300, "{}", rules.rules.len());
}

#[test]
fn kinds_are_found_where_they_stand_and_nothing_else_is_kept() {
    for (rule, before, secret, after) in planted() {
        let text = format!("first line\n{before}{secret}{after}\nlast line\n");
        let secrets = found("src/settings.conf", &text);
        let one = secrets.iter().find(|one| one.rule == rule);
        let one = one.unwrap_or_else(|| unreachable!("{rule} is not found in {text}: {secrets:?}"));
        assert_eq!(one.offset, 11 + before.len() as u64, "{rule}");
        assert_eq!(one.first_line, 2, "{rule}");
        let kept = serde_json::to_string(&secrets).unwrap();
        for part in secret.split_whitespace().filter(|part| part.len() > 8) {
            let part = part.trim_start_matches(['A', 'K', 'I']);
            assert!(!kept.contains(part), "{rule} shows its secret: {kept}");
            assert!(!kept.contains(&part[part.len() / 2..]), "{rule} shows half of its secret: {kept}");
        }
        assert!(secrets.iter().all(|one| one.matched.contains("****")), "{rule}");
    }
}

#[test]
fn a_finding_has_the_words_and_lines_that_reports_show() {
    let token = format!("ghp_{}", noise(36, WORD, 1));
    let text = format!("a\nb\nc\nexport GITHUB={token}\nd\ne\n");
    let secrets = found("deploy.sh", &text);
    assert_eq!(secrets.len(), 1);
    let one = &secrets[0];
    assert_eq!((one.category.as_str(), one.title.as_str()), ("GitHub", "GitHub Personal Access Token"));
    assert_eq!(one.severity, Severity::Critical);
    assert_eq!((one.first_line, one.last_line), (4, 4));
    assert_eq!(one.matched, format!("export GITHUB={}", "*".repeat(40)));
    let lines: Vec<_> = one.context.iter().map(|line| (line.number, line.text.as_str(), line.is_cause)).collect();
    assert_eq!(lines, [(2, "b", false), (3, "c", false), (4, one.matched.as_str(), true), (5, "d", false)]);
}

#[test]
fn a_key_of_several_lines_becomes_one_line_and_the_next_keep_their_numbers() {
    let body: String = (0..20).map(|line| format!("{}\n", noise(64, WORD, line))).collect();
    let text = format!("x\n-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\nnext\n");
    let secrets = found("id", &text);
    assert_eq!(secrets.len(), 1, "{secrets:?}");
    assert_eq!((secrets[0].first_line, secrets[0].context.last().unwrap().number), (2, 24));
    assert!(secrets[0].last_line >= 21);
    let with_headers = text.replace("KEY-----\n", "KEY-----\nComment: mine\n").replacen(
        "END PRIVATE KEY-----\nComment: mine",
        "END PRIVATE KEY-----",
        1,
    );
    assert_eq!(found("id", &with_headers).len(), 1);
}

#[test]
fn long_lines_are_cut_around_the_secret() {
    let token = format!("ghp_{}", noise(36, WORD, 3));
    let text = format!("{}\"{token}\"{}", "a=1;".repeat(100_000), ";b=2".repeat(100_000));
    let secrets = found("app.min.js", &text);
    assert_eq!(secrets.len(), 1);
    assert_eq!(secrets[0].matched.len(), 30 + 40 + 20);
    assert_eq!(secrets[0].context.len(), 1);
}

#[test]
fn what_is_no_secret_is_not_believed() {
    for text in [
        "token = 'ghp_short'",
        "skip skill SKIP task",
        "password = \"${DATABASE_PASSWORD}\"",
        "api_key = \"your_api_key_goes_here_please_99\"",
        "postgres://postgres:postgres@localhost/db",
        "https://user:password@host.example/",
        "secret_key: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
    ] {
        assert_eq!(found("a.txt", text), [], "{text}");
    }
    let token = format!("x ghp_{} ", noise(36, WORD, 3));
    assert_eq!(found("a", &token).len(), 1);
    assert!(found("a", &format!("\0{token}")).is_empty(), "binary files are not searched");
    for path in
        ["package-lock.json", "a/node_modules/b.js", "README.md", "src/tests/a.py", "logo.PNG", "usr/lib/a.so.1"]
    {
        assert!(!rules().wants(path), "{path}");
    }
    assert!(rules().wants("etc/app.conf"));
}

#[test]
fn rules_for_some_paths_only_apply_there() {
    let password = noise(16, WORD, 12);
    let text = format!("<server><password>{password}</password></server>");
    assert_eq!(found("root/.m2/settings.xml", &text)[0].rule, "maven-settings-password");
    assert!(found("root/.m2/other.xml", &text).is_empty());
    let pgpass = format!("db:5432:app:me:{password}\n");
    assert_eq!(found("root/.pgpass", &pgpass)[0].rule, "pgpass-password");
}

#[test]
fn strings_in_compiled_python_are_searched() {
    let token = format!("ghp_{}", noise(36, WORD, 3));
    let mut bytes = vec![0x0d, 0x0d, 0x0a, 0, 0, 0, 1, 2, 3];
    bytes.extend_from_slice(token.as_bytes());
    bytes.extend_from_slice(&[0, 1, 2]);
    let outcome = search(rules(), "a/__pycache__/b.pyc", &mut bytes.as_slice()).unwrap();
    assert_eq!(outcome.secrets[0].offset, 9);
}

#[test]
fn a_list_of_secrets_is_cut_and_says_so() {
    let text: String = (0..5000).map(|seed| format!("ghp_{}\n", noise(36, WORD, seed))).collect();
    let outcome = search(rules(), "a", &mut text.as_bytes()).unwrap();
    assert_eq!(outcome.secrets.len(), 200);
    assert!(outcome.limit.unwrap().contains("200"));
    let kept = serde_json::to_string(&outcome.secrets).unwrap();
    assert!(!kept.contains("ghp_"));
}

#[test]
fn custom_rules_are_added_and_others_left_out() {
    let more = r#"rule = [{ id = "ours", category = "Us", title = "Our token", severity = "LOW", keywords = ["our-"], token = 'our-[0-9]{8}' }]"#;
    let rules = SecretRules::custom(more, &["github-pat"]).unwrap();
    let text = format!("our-12345678 ghp_{}", noise(36, WORD, 1));
    let outcome = search(&rules, "a", &mut text.as_bytes()).unwrap();
    assert_eq!(outcome.secrets.iter().map(|one| one.rule.as_str()).collect::<Vec<_>>(), ["ours"]);
    for bad in ["rule = [{}]", "rule = 1", &more.replace("our-[0-9]{8}", "("), &more.replace("LOW", "bad")] {
        assert_eq!(SecretRules::custom(bad, &[]).unwrap_err().code, "secret-rule");
    }
}

#[test]
fn image_configurations_are_searched() {
    let token = format!("ghp_{}", noise(36, WORD, 1));
    let mut facts = assay_model::inventory::ImageFacts {
        config: serde_json::json!({
            "config": {"Env": ["PATH=/bin", format!("TOKEN={token}")]},
            "history": [{"created_by": format!("RUN git clone https://x:{token}@host.example/a")}],
        }),
        ..Default::default()
    };
    let secrets = in_image(rules(), &mut facts);
    assert_eq!(secrets.iter().filter(|one| one.rule == "github-pat").count(), 2);
    assert!(!serde_json::to_string(&secrets).unwrap().contains(&token));
    assert_eq!(facts.config["config"]["Env"][1], format!("TOKEN={}", "*".repeat(40)));
    assert!(!serde_json::to_string(&facts).unwrap().contains(&token));
}

/// Gives its bytes in pieces of the sizes that it is told.
struct Pieces<'a>(Cursor<&'a [u8]>, Vec<usize>, usize);

impl std::io::Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.1[self.2 % self.1.len()].min(buffer.len());
        self.2 += 1;
        self.0.read(&mut buffer[..size])
    }
}

fn text_with_secrets() -> impl Strategy<Value = String> {
    let planted = planted();
    let filler = "[ -~]{0,60}|\n|password = |twitter key |-----BEGIN|eyJ|sk_live_|AccountKey=|://";
    let piece = prop_oneof![
        3 => filler.prop_map(|text: String| text),
        1 => (0..planted.len()).prop_map(move |at| {
            let (_, before, secret, after) = &planted[at];
            format!("{before}{secret}{after}")
        }),
        1 => (1..3000_usize).prop_map(|length| "lorem ipsum ".repeat(length / 3)),
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_do_not_matter(text in text_with_secrets(), piece in 1..9000_usize, reads in proptest::collection::vec(1..5000_usize, 1..5)) {
        let whole = search_in_pieces(rules(), "a.conf", &mut text.as_bytes(), text.len() + 1).unwrap();
        let mut source = Pieces(Cursor::new(text.as_bytes()), reads, 0);
        let cut: Outcome = search_in_pieces(rules(), "a.conf", &mut source, piece).unwrap();
        prop_assert_eq!(whole.secrets, cut.secrets);
    }

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..2000), path in "[a-z.]{1,12}") {
        search_in_pieces(rules(), &path, &mut bytes.as_slice(), 97).unwrap();
    }
}
