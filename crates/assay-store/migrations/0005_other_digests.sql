-- Other digests that clients address stored bytes by (SHA-512); gone with the blob.
CREATE TABLE blob_alias (
  alias TEXT NOT NULL PRIMARY KEY,
  digest TEXT NOT NULL REFERENCES blob (digest) ON DELETE CASCADE
) @strict;
CREATE INDEX blob_alias_by_digest ON blob_alias (digest);
