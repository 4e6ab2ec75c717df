-- What sources know apart from advisories, which source repository a package comes from, and when each source is due.
ALTER TABLE feed ADD COLUMN attempted_at BIGINT;
ALTER TABLE feed ADD COLUMN next_at BIGINT;
ALTER TABLE feed ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE feed ADD COLUMN stale BIGINT NOT NULL DEFAULT 0;

CREATE TABLE ssvc (
  cve TEXT NOT NULL PRIMARY KEY,
  exploitation TEXT NOT NULL,
  automatable TEXT NOT NULL,
  technical_impact TEXT NOT NULL,
  at TEXT NOT NULL
) @clustered;

-- checks: a JSON object of scores by name
CREATE TABLE scorecard (
  repository TEXT NOT NULL PRIMARY KEY,
  score DOUBLE PRECISION NOT NULL,
  checks TEXT NOT NULL,
  date TEXT NOT NULL
) @clustered;

CREATE TABLE popularity (
  purl_type TEXT NOT NULL,
  name TEXT NOT NULL,
  rank BIGINT NOT NULL,
  downloads BIGINT,
  PRIMARY KEY (purl_type, name)
) @clustered;

CREATE TABLE package_source (
  package BIGINT NOT NULL PRIMARY KEY REFERENCES package (id),
  repository TEXT NOT NULL
) @clustered;
CREATE INDEX package_source_by_repository ON package_source (repository, package);

-- Names of a format across repositories: what a catalogue of popular packages touches.
CREATE INDEX package_by_format_name ON package (format, name, id);

-- Bundles of facts that were made here or taken in, by the digest of their manifest.
CREATE TABLE bundle (
  digest TEXT NOT NULL PRIMARY KEY,
  number BIGINT NOT NULL,
  key TEXT NOT NULL,
  taken_in BIGINT NOT NULL,
  manifest TEXT NOT NULL,
  at BIGINT NOT NULL
) @clustered;
CREATE INDEX bundle_by_number ON bundle (taken_in, key, number);

-- Advisories that take effect by themselves at a moment that is still to come (ends of life).
CREATE TABLE advisory_due (
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  due BIGINT NOT NULL,
  PRIMARY KEY (source, id)
) @clustered;
CREATE INDEX advisory_due_by_time ON advisory_due (due);
