//! `assay tokens`.

use super::{
    Context,
    look::{Sheet, Text, moment},
    out::note,
};
use anyhow::{Context as _, Result};
use assay_model::access::{Permission, Token};
use clap::{Subcommand, ValueEnum};
use serde::Deserialize;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum TokensCommand {
    /// List tokens; their secrets are not kept and not shown
    List,
    /// Make a token; its secret is printed once
    Create {
        /// For people, and in the event log
        name: String,
        /// What it allows; each includes the ones before
        #[arg(long, value_enum)]
        permission: Allowed,
        /// Only in this repository; may be repeated. Else in all
        #[arg(long, value_name = "NAME")]
        repository: Vec<String>,
        /// Ends by itself after this many days
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        expires_days: Option<u32>,
    },
    /// End a token at once
    Revoke {
        /// Its id, as in the list
        id: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Allowed {
    /// Pull, list, explain
    Read,
    /// Push, delete what one may push
    Write,
    /// Everything, including settings, policies and tokens
    Admin,
}

impl From<Allowed> for Permission {
    fn from(allowed: Allowed) -> Self {
        match allowed {
            Allowed::Read => Self::Read,
            Allowed::Write => Self::Write,
            Allowed::Admin => Self::Admin,
        }
    }
}

#[derive(Deserialize)]
struct Tokens {
    tokens: Vec<Token>,
}

pub(super) async fn run(context: &Context, command: TokensCommand) -> Result<ExitCode> {
    let client = context.client()?;
    match command {
        TokensCommand::List => {
            let answer: Value = client.get(&["tokens"], &[]).await?;
            if context.out.json {
                context.out.data(&answer)?;
            } else {
                let Tokens { tokens } = serde_json::from_value(answer)?;
                context.out.text(&table(&tokens).render(context.out.look))?;
            }
        }
        TokensCommand::Create { name, permission, repository, expires_days } => {
            let permission = Permission::from(permission);
            let body = json!({"name": name, "permission": permission, "repositories": repository, "expires_days": expires_days});
            let issued = client.post(&["tokens"], &body).await?;
            if context.out.json {
                context.out.data(&issued)?;
            } else {
                let secret = issued.get("secret").and_then(Value::as_str).context("the server gave no secret")?;
                context.out.text(secret)?;
                note("keep it: it is not shown again");
            }
        }
        TokensCommand::Revoke { id } => {
            client.delete(&["tokens", &id]).await?;
            if context.out.json {
                context.out.data(&json!({"revoked": id}))?;
            } else {
                context.out.text(&format!("token {id} revoked"))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn table(tokens: &[Token]) -> Sheet {
    let mut sheet = Sheet::new(&["ID", "PERMISSION", "REPOSITORIES", "CREATED", "EXPIRES", "NAME"]);
    for token in tokens {
        sheet.row([
            Text::from(&token.id),
            token.permission.as_str().into(),
            if token.repositories.is_empty() { "all".into() } else { token.repositories.join(", ").into() },
            moment(token.created_at).into(),
            token.expires_at.map_or_else(|| "never".to_owned(), moment).into(),
            Text::from(&token.name),
        ]);
    }
    sheet
}
