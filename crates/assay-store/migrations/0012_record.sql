-- What decisions were functions of, and what their log is searched by.
-- packing says how document is compressed; size is that of the document itself.
CREATE TABLE decision_input (
  digest TEXT NOT NULL PRIMARY KEY,
  packing BIGINT NOT NULL,
  size BIGINT NOT NULL,
  document BYTEA NOT NULL
) @strict;

-- input is NULL where the document is not kept, or no more. said counts policies that matched or failed.
ALTER TABLE decision ADD COLUMN repository BIGINT;
ALTER TABLE decision ADD COLUMN input TEXT REFERENCES decision_input (digest);
ALTER TABLE decision ADD COLUMN superseded_at BIGINT;
ALTER TABLE decision ADD COLUMN said BIGINT NOT NULL DEFAULT 0;
UPDATE decision SET
  repository = (SELECT p.repository FROM package p WHERE p.id = decision.package),
  superseded_at = (SELECT MIN(n.at) FROM decision n WHERE n.package = decision.package AND n.at > decision.at),
  said = @verdicts_in_document;
CREATE INDEX decision_by_repository ON decision (repository, id);
CREATE INDEX decision_by_input ON decision (input) WHERE input IS NOT NULL;
CREATE INDEX decision_in_force ON decision (package) WHERE superseded_at IS NULL;
CREATE INDEX decision_superseded ON decision (superseded_at, id) WHERE superseded_at IS NOT NULL AND input IS NOT NULL;
CREATE INDEX decision_said ON decision (id) WHERE said > 0;

-- Policies that matched or failed, by decision.
CREATE TABLE decision_verdict (
  policy TEXT NOT NULL,
  decision TEXT NOT NULL REFERENCES decision (id),
  PRIMARY KEY (policy, decision)
) @clustered;
INSERT INTO decision_verdict (policy, decision) @verdicts_of_decisions;
