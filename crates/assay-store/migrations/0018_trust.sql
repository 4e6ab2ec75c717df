-- Who is trusted to sign.
CREATE TABLE trusted (
  name TEXT NOT NULL PRIMARY KEY,
  document TEXT NOT NULL
) @strict;

-- Signatures and statements, by what they are about, which may come later than they do; holder is the package that has them.
CREATE TABLE evidence (
  id @id,
  repository BIGINT NOT NULL,
  format TEXT NOT NULL,
  name TEXT NOT NULL,
  about TEXT NOT NULL,
  holder BIGINT NOT NULL REFERENCES package (id),
  place TEXT,
  body BYTEA NOT NULL
) @strict;
CREATE INDEX evidence_by_subject ON evidence (repository, format, name, about);
CREATE INDEX evidence_by_holder ON evidence (holder);

-- Versions that another of the same name lists by digest: evidence about that one extends to them.
CREATE TABLE evidence_part (
  repository BIGINT NOT NULL,
  format TEXT NOT NULL,
  name TEXT NOT NULL,
  part TEXT NOT NULL,
  whole TEXT NOT NULL,
  holder BIGINT NOT NULL REFERENCES package (id),
  PRIMARY KEY (repository, format, name, part, whole)
) @clustered;
CREATE INDEX evidence_part_by_holder ON evidence_part (holder);
CREATE INDEX evidence_part_by_whole ON evidence_part (repository, format, name, whole);

-- For whom a package was taken from an upstream.
CREATE TABLE requester (
  package BIGINT NOT NULL PRIMARY KEY REFERENCES package (id),
  name TEXT NOT NULL
) @strict;
