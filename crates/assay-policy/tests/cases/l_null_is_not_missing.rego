package cloudsmith

default match := false

match if input.v0.package.last_downloaded_at == null
