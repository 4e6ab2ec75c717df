-- What one node does for all: other nodes wait until it is done or its lease has run out.
CREATE TABLE lease (
  key TEXT NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  until BIGINT NOT NULL
) @clustered;
