-- Components matched and packages decided of late: each once, however often, so that a change can say how many it touched.
CREATE TABLE attended (
  stage TEXT NOT NULL,
  key BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (stage, key)
) @strict;
