package assay

default match := true
