-- When the wait for a job, its lease, or the lease of a delivery began, by the clock of whoever noted it. A moment that is
-- still to come was noted by a clock that has been set back since, and what waits for it waits no longer. 0: an appointment,
-- which goes by the clock alone.
ALTER TABLE job ADD COLUMN asked BIGINT NOT NULL DEFAULT 0;
CREATE INDEX job_asked ON job (lane, asked) WHERE state = 'waiting';

ALTER TABLE delivery ADD COLUMN asked BIGINT NOT NULL DEFAULT 0;
CREATE INDEX delivery_asked ON delivery (status, asked);
-- each channel has its turn, however much waits for another
DROP INDEX delivery_due;
CREATE INDEX delivery_due ON delivery (channel, status, due, id);
CREATE INDEX delivery_gathering ON delivery (channel, topic) WHERE status = 'gathering';
