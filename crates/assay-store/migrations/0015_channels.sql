-- Channels, and what was or will be told to each.
CREATE TABLE channel (
  id @id,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  settings TEXT NOT NULL,
  secrets BYTEA,
  paused TEXT,
  cursor BIGINT NOT NULL,
  failing_since BIGINT,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL
) @strict;

-- status: gathering (further events may join until due), waiting, sending, sent, failed.
CREATE TABLE delivery (
  id TEXT NOT NULL PRIMARY KEY,
  channel BIGINT NOT NULL REFERENCES channel (id),
  topic TEXT NOT NULL,
  status TEXT NOT NULL,
  events BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  due BIGINT NOT NULL,
  owner TEXT,
  lease_until BIGINT,
  tries TEXT NOT NULL,
  message BYTEA,
  created_at BIGINT NOT NULL,
  sent_at BIGINT
) @strict;
CREATE INDEX delivery_due ON delivery (status, due);
CREATE INDEX delivery_by_channel ON delivery (channel, created_at, id);
CREATE INDEX delivery_by_age ON delivery (created_at);

CREATE TABLE delivery_event (
  channel BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  delivery TEXT NOT NULL REFERENCES delivery (id),
  PRIMARY KEY (channel, seq)
) @clustered;
CREATE INDEX delivery_event_by_delivery ON delivery_event (delivery, seq);
