-- Whether a verdict that stands is a failure. What failed before this is told when it is decided again.
ALTER TABLE standing_verdict ADD COLUMN failed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX standing_verdict_failed ON standing_verdict (policy, package) WHERE failed = 1;
