-- Waivers, who used them, and whom the verdicts of policies stand against: what a waiver of a policy's verdict touches.
CREATE TABLE waiver (
  id @id,
  status TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  document TEXT NOT NULL
) @strict;
CREATE INDEX waiver_by_status ON waiver (status, id);

CREATE TABLE waiver_use (
  waiver BIGINT NOT NULL REFERENCES waiver (id),
  at BIGINT NOT NULL,
  package BIGINT NOT NULL REFERENCES package (id),
  decision TEXT NOT NULL,
  PRIMARY KEY (waiver, at, package, decision)
) @clustered;
CREATE INDEX waiver_use_by_package ON waiver_use (package, at);

CREATE TABLE standing_verdict (
  policy TEXT NOT NULL,
  package BIGINT NOT NULL REFERENCES package (id),
  PRIMARY KEY (policy, package)
) @clustered;
CREATE INDEX standing_verdict_by_package ON standing_verdict (package);
