package cloudsmith # artifact policy

import rego.v1

match if { true }
