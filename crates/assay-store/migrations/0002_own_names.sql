-- Components are also found by their own name: some distributions' advisories name what is installed, not its source.
CREATE INDEX component_by_own_name ON component (name, ecosystem);
