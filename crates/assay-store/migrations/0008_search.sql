-- What searches ask for that was only inside documents.
ALTER TABLE finding ADD COLUMN severity TEXT;
UPDATE finding SET severity = @severity_in_document;
CREATE INDEX finding_by_severity ON finding (severity, component);

CREATE TABLE inventory_license (
  license TEXT NOT NULL,
  inventory BIGINT NOT NULL REFERENCES inventory (id),
  PRIMARY KEY (license, inventory)
) @clustered;
CREATE INDEX inventory_license_by_inventory ON inventory_license (inventory);
