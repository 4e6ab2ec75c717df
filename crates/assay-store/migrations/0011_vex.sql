-- Documents of VEX, their statements, and the index from every vulnerability that a statement speaks of.
-- package is what holds an attached document.
CREATE TABLE vex_document (
  id @id,
  origin TEXT NOT NULL,
  origin_name TEXT NOT NULL,
  name TEXT NOT NULL,
  author TEXT NOT NULL,
  digest TEXT NOT NULL,
  package BIGINT REFERENCES package (id),
  statements BIGINT NOT NULL,
  at BIGINT NOT NULL
) @strict;
CREATE UNIQUE INDEX vex_document_by_name ON vex_document (name, origin, origin_name);
CREATE INDEX vex_document_by_package ON vex_document (package, id);

CREATE TABLE vex_statement (
  document BIGINT NOT NULL REFERENCES vex_document (id),
  position BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (document, position)
) @clustered;

CREATE TABLE vex_vulnerability (
  id TEXT NOT NULL,
  document BIGINT NOT NULL REFERENCES vex_document (id),
  position BIGINT NOT NULL,
  PRIMARY KEY (id, document, position)
) @clustered;
CREATE INDEX vex_vulnerability_by_document ON vex_vulnerability (document);
