-- Facts as they stood before they changed, and reports of simulations.
-- since is 0 where a finding is older than this table.
ALTER TABLE finding ADD COLUMN since BIGINT NOT NULL DEFAULT 0;

CREATE TABLE finding_history (
  component BIGINT NOT NULL REFERENCES component (id),
  id TEXT NOT NULL,
  until BIGINT NOT NULL,
  since BIGINT NOT NULL,
  document BYTEA NOT NULL,
  PRIMARY KEY (component, id, until)
) @clustered;
CREATE INDEX finding_history_by_age ON finding_history (until);

-- Only of CVEs that a finding has. date is the day of the model run, as in epss.
CREATE TABLE epss_history (
  cve TEXT NOT NULL,
  date TEXT NOT NULL,
  score DOUBLE PRECISION NOT NULL,
  percentile DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (cve, date)
) @clustered;
CREATE INDEX epss_history_by_age ON epss_history (date);

CREATE TABLE kev_history (
  cve TEXT NOT NULL,
  until BIGINT NOT NULL,
  date_added TEXT NOT NULL,
  due_date TEXT NOT NULL,
  ransomware BIGINT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (cve, until)
) @clustered;
CREATE INDEX kev_history_by_age ON kev_history (until);

CREATE TABLE kept_report (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  at BIGINT NOT NULL,
  author TEXT NOT NULL,
  title TEXT NOT NULL,
  document BYTEA NOT NULL
) @strict;
CREATE INDEX kept_report_by_age ON kept_report (at, id);
