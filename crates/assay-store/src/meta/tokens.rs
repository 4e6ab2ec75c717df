//! API tokens: only hashes of their secrets are here.

use super::Session;
use crate::sql::{R, Row, all, first, value::json, value::params};
use assay_model::{
    Problem,
    access::{Permission, Token},
    seam::meta::Tokens,
};

const COLUMNS: &str = "SELECT id, name, hash, permission, repositories, created_at, expires_at FROM token";

fn read(row: &mut Row) -> R<Token> {
    Ok(Token {
        id: row.text()?,
        name: row.text()?,
        hash: row.text()?,
        permission: row.word(Permission::parse)?,
        repositories: row.json()?,
        created_at: row.time()?,
        expires_at: row.time_or_null()?,
    })
}

impl Tokens for Session<'_> {
    fn add_token(&mut self, token: &Token) -> R<()> {
        let added = self.sql.execute(
            "INSERT INTO token (id, name, hash, permission, repositories, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
            &[
                (&token.id).into(),
                (&token.name).into(),
                (&token.hash).into(),
                token.permission.as_str().into(),
                json(&token.repositories)?,
                token.created_at.into(),
                token.expires_at.into(),
            ],
        )?;
        match added {
            0 => Err(Problem::conflict(format!("a token with the id `{}` exists already", token.id))),
            _ => Ok(()),
        }
    }

    fn token(&mut self, id: &str) -> R<Option<Token>> {
        // primary key
        first(self.sql, &format!("{COLUMNS} WHERE id = $1"), &params![id])?.map(|mut r| read(&mut r)).transpose()
    }

    fn tokens(&mut self) -> R<Vec<Token>> {
        // few rows: sorted without an index
        all(self.sql, &format!("{COLUMNS} ORDER BY created_at, id"), &[], read)
    }

    fn revoke_token(&mut self, id: &str) -> R<bool> {
        Ok(self.sql.execute("DELETE FROM token WHERE id = $1", &params![id])? > 0)
    }
}
