package cloudsmith

default match := false

strong := {"AGPL-3.0-only", "GPL-2.0-only", "GPL-3.0-only"}

match if input.v0.package.license.oss_license.spdx_identifier in strong

reason contains input.v0.package.license.oss_license.spdx_identifier if match
