-- What was deleted and can be restored, what repositories hold, downloads, and bytes that are being deleted.
-- The files of deleted packages: they keep their numbers and their bytes. refs are the references that the package had.
CREATE TABLE trash (
  package BIGINT NOT NULL PRIMARY KEY REFERENCES package (id),
  repository BIGINT NOT NULL REFERENCES repository (id),
  deleted_at BIGINT NOT NULL,
  deleted_by TEXT NOT NULL,
  cause TEXT NOT NULL,
  purge_at BIGINT NOT NULL,
  refs TEXT NOT NULL
) @clustered;
CREATE INDEX trash_by_age ON trash (purge_at, package);
CREATE INDEX trash_by_repository ON trash (repository, package);

CREATE TABLE trash_file (
  id BIGINT NOT NULL PRIMARY KEY,
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
CREATE INDEX trash_file_by_digest ON trash_file (digest);

-- Bytes count once per repository, however many of its packages share them.
CREATE TABLE repository_usage (
  repository BIGINT NOT NULL PRIMARY KEY REFERENCES repository (id),
  packages BIGINT NOT NULL,
  bytes BIGINT NOT NULL
) @clustered;
INSERT INTO repository_usage (repository, packages, bytes)
  SELECT r.id, (SELECT COUNT(*) FROM package p WHERE p.repository = r.id AND p.state <> 'deleted'),
    COALESCE((SELECT CAST(SUM(one.size) AS BIGINT) FROM (
      SELECT f.digest, MAX(f.size) AS size FROM file f JOIN package p ON p.id = f.package
      WHERE p.repository = r.id GROUP BY f.digest) one), 0)
  FROM repository r;

CREATE TABLE download (
  package BIGINT NOT NULL,
  file BIGINT NOT NULL,
  count BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  PRIMARY KEY (package, file)
) @clustered;

-- day counts from 1970-01-01.
CREATE TABLE download_day (
  package BIGINT NOT NULL,
  day BIGINT NOT NULL,
  who TEXT NOT NULL,
  count BIGINT NOT NULL,
  PRIMARY KEY (package, day, who)
) @clustered;
CREATE INDEX download_day_by_day ON download_day (day);

-- Digests whose bytes are being deleted: nobody may name them meanwhile.
CREATE TABLE blob_grave (
  digest TEXT NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  until BIGINT NOT NULL
) @clustered;
CREATE INDEX blob_grave_by_age ON blob_grave (until);
