-- What repositories take over from other registries, and name by name what came of it.
-- secrets is sealed before it comes here, and NULL where there are none.
CREATE TABLE import (
  id @id,
  repository BIGINT NOT NULL REFERENCES repository (id),
  format TEXT NOT NULL,
  plan TEXT NOT NULL,
  secrets BYTEA,
  progress TEXT NOT NULL,
  reason TEXT NOT NULL,
  started_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
) @strict;
CREATE INDEX import_by_repository ON import (repository, id);
CREATE INDEX import_by_progress ON import (progress, id);

-- state: 0 waits, 1 was looked at, 2 was looked at and has failures.
CREATE TABLE import_name (
  import BIGINT NOT NULL REFERENCES import (id),
  name TEXT NOT NULL,
  state BIGINT NOT NULL,
  versions BIGINT NOT NULL,
  versions_here BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  files BIGINT NOT NULL,
  files_here BIGINT NOT NULL,
  refs BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  failures TEXT NOT NULL,
  PRIMARY KEY (import, name)
) @clustered;
CREATE INDEX import_name_by_state ON import_name (import, state, name);
