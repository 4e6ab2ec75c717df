-- The upstream that a package was taken from; nothing for what was published here.
ALTER TABLE package ADD COLUMN origin TEXT;
