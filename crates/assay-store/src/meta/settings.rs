//! Single values.

use super::Session;
use crate::sql::{R, first, value::params};
use assay_model::{Problem, seam::meta::SettingsTable};

impl SettingsTable for Session<'_> {
    fn setting(&mut self, key: &str) -> R<Option<String>> {
        // primary key
        first(self.sql, "SELECT value FROM setting WHERE key = $1", &params![key])?.map(|mut r| r.text()).transpose()
    }

    fn setting_or(&mut self, key: &str, value: &str) -> R<String> {
        self.sql.execute(
            "INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING",
            &params![key, value],
        )?;
        self.setting(key)?.ok_or_else(|| Problem::bug("a setting is gone after it was written"))
    }

    fn put_setting(&mut self, key: &str, value: &str) -> R<()> {
        self.sql.execute(
            "INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            &params![key, value],
        )?;
        Ok(())
    }
}
