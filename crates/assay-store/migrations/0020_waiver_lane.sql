-- Looks at waivers that end belong to the lane of changes, not to that where clients wait (2 and 0: ranks of lanes).
UPDATE job SET lane = 2 WHERE stage = 'waiver' AND lane = 0;
