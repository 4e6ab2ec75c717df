-- What people say of single packages: own tags, corrected licences, and answers to requests for approval.
CREATE TABLE own_tags (
  package BIGINT NOT NULL PRIMARY KEY REFERENCES package (id),
  tags TEXT NOT NULL
) @clustered;

CREATE TABLE license_correction (
  package BIGINT NOT NULL PRIMARY KEY REFERENCES package (id),
  expression TEXT NOT NULL,
  reason TEXT NOT NULL,
  author TEXT NOT NULL,
  at BIGINT NOT NULL
) @clustered;

CREATE TABLE approval (
  package BIGINT NOT NULL REFERENCES package (id),
  policy TEXT NOT NULL,
  status TEXT NOT NULL,
  reason TEXT NOT NULL,
  author TEXT NOT NULL,
  expires_at BIGINT,
  requested_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (package, policy)
) @clustered;
CREATE INDEX approval_by_status ON approval (status, package);

CREATE INDEX package_overridden ON package (id) WHERE held IS NOT NULL;
