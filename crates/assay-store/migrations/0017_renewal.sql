-- Which scanner an inventory holds as of (it would make it the same; 0 while nobody has asked), and which is to make it
-- again. A revision names every analyzer, too long for an index: it is found by its hash.
CREATE TABLE scanner (
  id @id,
  hash TEXT NOT NULL UNIQUE,
  revision TEXT NOT NULL
) @strict;

ALTER TABLE inventory ADD COLUMN as_of BIGINT NOT NULL DEFAULT 0;
ALTER TABLE inventory ADD COLUMN renew BIGINT;
CREATE INDEX inventory_as_of ON inventory (as_of, id) WHERE renew IS NULL;
CREATE INDEX inventory_to_renew ON inventory (renew, id) WHERE renew IS NOT NULL;

-- Which files an artifact or layer consists of.
CREATE TABLE inventory_outline (
  inventory BIGINT NOT NULL PRIMARY KEY REFERENCES inventory (id),
  document BYTEA NOT NULL
) @strict;
