# METADATA
# title: Everything
# description: Stops all.
package cloudsmith

match := true
