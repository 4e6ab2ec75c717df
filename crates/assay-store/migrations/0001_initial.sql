-- The first schema. One text serves both databases: migrate.rs replaces the words that begin with @.
-- Times are microseconds since 1970 (BIGINT). JSON is TEXT. Large documents are zstd frames.

CREATE TABLE setting (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) @clustered;

CREATE TABLE counter (
  name TEXT NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL
) @clustered;

CREATE TABLE repository (
  id @id,
  name TEXT NOT NULL UNIQUE,
  settings TEXT NOT NULL,
  created_at BIGINT NOT NULL
) @strict;

CREATE TABLE token (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  hash TEXT NOT NULL,
  permission TEXT NOT NULL,
  repositories TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT
) @strict;

-- Bytes that are stored. A blob lives as long as a stage or a file refers to it; collection looks at stored_at first.
CREATE TABLE blob (
  digest TEXT NOT NULL PRIMARY KEY,
  size BIGINT NOT NULL,
  stored_at BIGINT NOT NULL
) @clustered;
CREATE INDEX blob_by_age ON blob (stored_at, digest);

CREATE TABLE blob_stage (
  repository BIGINT NOT NULL REFERENCES repository (id),
  format TEXT NOT NULL,
  name TEXT NOT NULL,
  digest TEXT NOT NULL REFERENCES blob (digest),
  staged_at BIGINT NOT NULL,
  PRIMARY KEY (repository, format, name, digest)
) @clustered;
CREATE INDEX blob_stage_by_digest ON blob_stage (digest);
CREATE INDEX blob_stage_by_age ON blob_stage (staged_at);

CREATE TABLE upload (
  id TEXT NOT NULL PRIMARY KEY,
  repository BIGINT NOT NULL REFERENCES repository (id),
  format TEXT NOT NULL,
  name TEXT NOT NULL,
  touched_at BIGINT NOT NULL
) @strict;
CREATE INDEX upload_by_age ON upload (touched_at);
CREATE INDEX upload_by_repository ON upload (repository);

CREATE TABLE package (
  id @id,
  repository BIGINT NOT NULL REFERENCES repository (id),
  format TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  metadata TEXT NOT NULL,
  state TEXT NOT NULL,
  held TEXT,
  tags TEXT NOT NULL,
  decision TEXT,
  uploader TEXT NOT NULL,
  uploaded_at BIGINT NOT NULL,
  published_at BIGINT,
  -- also serves every look-up by (repository, format, name)
  UNIQUE (repository, format, name, version)
) @strict;
CREATE INDEX package_by_state ON package (state, id);
CREATE INDEX package_by_repository ON package (repository, id);

CREATE TABLE file (
  id @id,
  package BIGINT NOT NULL REFERENCES package (id),
  path TEXT NOT NULL,
  digest TEXT NOT NULL REFERENCES blob (digest),
  size BIGINT NOT NULL,
  media_type TEXT NOT NULL,
  role TEXT,
  hashes TEXT NOT NULL,
  metadata TEXT NOT NULL,
  uploaded_at BIGINT NOT NULL,
  UNIQUE (package, path)
) @strict;
CREATE INDEX file_by_digest ON file (digest, package);

CREATE TABLE reference (
  repository BIGINT NOT NULL REFERENCES repository (id),
  format TEXT NOT NULL,
  name TEXT NOT NULL,
  reference TEXT NOT NULL,
  package BIGINT NOT NULL REFERENCES package (id),
  set_at BIGINT NOT NULL,
  PRIMARY KEY (repository, format, name, reference)
) @clustered;
CREATE INDEX reference_by_package ON reference (package);

CREATE TABLE inventory (
  id @id,
  digest TEXT NOT NULL,
  role TEXT NOT NULL,
  scanner TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  -- how often it was made; the sum is what tests count
  made BIGINT NOT NULL,
  document BYTEA NOT NULL,
  UNIQUE (digest, role)
) @strict;

-- identity is a hash over (purl, ecosystem, match_name): foreign names may be longer than an index row.
CREATE TABLE component (
  id @id,
  identity TEXT NOT NULL UNIQUE,
  purl TEXT NOT NULL,
  purl_type TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  ecosystem TEXT NOT NULL,
  match_name TEXT NOT NULL,
  match_version TEXT NOT NULL
) @strict;
-- the name first: an ecosystem without release looks through all releases
CREATE INDEX component_by_name ON component (match_name, ecosystem);

CREATE TABLE occurrence (
  component BIGINT NOT NULL REFERENCES component (id),
  inventory BIGINT NOT NULL REFERENCES inventory (id),
  PRIMARY KEY (component, inventory)
) @clustered;
CREATE INDEX occurrence_by_inventory ON occurrence (inventory, component);

CREATE TABLE finding (
  component BIGINT NOT NULL REFERENCES component (id),
  id TEXT NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (component, id)
) @clustered;

CREATE TABLE finding_id (
  id TEXT NOT NULL,
  component BIGINT NOT NULL REFERENCES component (id),
  PRIMARY KEY (id, component)
) @clustered;
CREATE INDEX finding_id_by_component ON finding_id (component);

-- The current revision of every advisory. record is set only where the bytes as read are not OSV themselves.
CREATE TABLE advisory (
  number @id,
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  revision TEXT NOT NULL,
  withdrawn BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  document BYTEA NOT NULL,
  record BYTEA,
  UNIQUE (source, id)
) @strict;
CREATE INDEX advisory_by_id ON advisory (id);

-- Every earlier revision.
CREATE TABLE advisory_revision (
  advisory BIGINT NOT NULL REFERENCES advisory (number),
  revision TEXT NOT NULL,
  seen_at BIGINT NOT NULL,
  document BYTEA NOT NULL,
  record BYTEA,
  PRIMARY KEY (advisory, revision)
) @strict;

CREATE TABLE advisory_key (
  ecosystem TEXT NOT NULL,
  name TEXT NOT NULL,
  advisory BIGINT NOT NULL REFERENCES advisory (number),
  PRIMARY KEY (ecosystem, name, advisory)
) @clustered;
CREATE INDEX advisory_key_by_advisory ON advisory_key (advisory);

CREATE TABLE advisory_alias (
  a TEXT NOT NULL,
  b TEXT NOT NULL,
  advisory BIGINT NOT NULL REFERENCES advisory (number),
  PRIMARY KEY (a, b, advisory)
) @clustered;
CREATE INDEX advisory_alias_by_b ON advisory_alias (b, a);
CREATE INDEX advisory_alias_by_advisory ON advisory_alias (advisory);

CREATE TABLE stated (
  id TEXT NOT NULL,
  advisory BIGINT NOT NULL REFERENCES advisory (number),
  place BIGINT NOT NULL,
  stated_by TEXT NOT NULL,
  kind TEXT NOT NULL,
  vector TEXT NOT NULL,
  PRIMARY KEY (id, advisory, place)
) @clustered;
CREATE INDEX stated_by_advisory ON stated (advisory);

CREATE TABLE epss (
  cve TEXT NOT NULL PRIMARY KEY,
  score DOUBLE PRECISION NOT NULL,
  percentile DOUBLE PRECISION NOT NULL,
  date TEXT NOT NULL
) @clustered;

CREATE TABLE kev (
  cve TEXT NOT NULL PRIMARY KEY,
  date_added TEXT NOT NULL,
  due_date TEXT NOT NULL,
  ransomware BIGINT NOT NULL,
  name TEXT NOT NULL
) @clustered;

CREATE TABLE feed (
  feed TEXT NOT NULL PRIMARY KEY,
  cursor TEXT NOT NULL,
  synced_at BIGINT,
  error TEXT
) @strict;

CREATE TABLE bad_record (
  source TEXT NOT NULL,
  name TEXT NOT NULL,
  reason TEXT NOT NULL,
  excerpt TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (source, name)
) @strict;
CREATE INDEX bad_record_by_age ON bad_record (at);

-- The set in force; every revision stays in policy_revision.
CREATE TABLE policy (
  slug TEXT NOT NULL PRIMARY KEY,
  revision BIGINT NOT NULL,
  precedence BIGINT NOT NULL
) @strict;

CREATE TABLE policy_revision (
  slug TEXT NOT NULL,
  revision BIGINT NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (slug, revision)
) @strict;

CREATE TABLE decision (
  id TEXT NOT NULL PRIMARY KEY,
  package BIGINT NOT NULL REFERENCES package (id),
  at BIGINT NOT NULL,
  document TEXT NOT NULL
) @strict;
CREATE INDEX decision_by_package ON decision (package, at, id);

-- lane is its rank, 0 the most urgent. state: waiting, running, dead.
CREATE TABLE job (
  id @id,
  lane BIGINT NOT NULL,
  stage TEXT NOT NULL,
  key BIGINT NOT NULL,
  cause TEXT NOT NULL,
  state TEXT NOT NULL,
  due BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  error TEXT,
  owner TEXT,
  lease_until BIGINT,
  created_at BIGINT NOT NULL
) @strict;
CREATE UNIQUE INDEX job_waiting ON job (stage, key) WHERE state = 'waiting';
CREATE INDEX job_due ON job (lane, due, id) WHERE state = 'waiting';
CREATE INDEX job_running ON job (stage, key) WHERE state = 'running';
CREATE INDEX job_leased ON job (lane, lease_until) WHERE state = 'running';
CREATE INDEX job_dead ON job (id) WHERE state = 'dead';

-- Append-only and chained; body is hashed exactly as it stands here.
CREATE TABLE event (
  seq BIGINT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
) @strict;
CREATE INDEX event_by_subject ON event (subject, seq);
