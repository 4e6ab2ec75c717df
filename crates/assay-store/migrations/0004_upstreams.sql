-- Remote registries that repositories take from, what they said last, and the bytes that were seen first under a name.
-- secrets is sealed before it comes here, and NULL where there are none.
CREATE TABLE upstream (
  id @id,
  repository BIGINT NOT NULL REFERENCES repository (id),
  format TEXT NOT NULL,
  name TEXT NOT NULL,
  priority BIGINT NOT NULL,
  settings TEXT NOT NULL,
  secrets BYTEA,
  UNIQUE (repository, name)
) @strict;

-- key is a hash over (address, accept): foreign addresses may be longer than an index row. packed is the length of body.
CREATE TABLE remote_document (
  upstream BIGINT NOT NULL REFERENCES upstream (id),
  key TEXT NOT NULL,
  address TEXT NOT NULL,
  status BIGINT NOT NULL,
  etag TEXT,
  last_modified TEXT,
  media_type TEXT NOT NULL,
  headers TEXT NOT NULL,
  fetched_at BIGINT NOT NULL,
  checked_at BIGINT NOT NULL,
  packed BIGINT NOT NULL,
  body BYTEA NOT NULL,
  PRIMARY KEY (upstream, key)
) @strict;
CREATE INDEX remote_document_by_age ON remote_document (checked_at, packed);

-- key is a hash over (name, path).
CREATE TABLE pin (
  upstream BIGINT NOT NULL REFERENCES upstream (id),
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  path TEXT NOT NULL,
  digest TEXT NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (upstream, key)
) @clustered;
