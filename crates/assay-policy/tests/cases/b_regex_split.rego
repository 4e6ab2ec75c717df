package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := regex.split(`[-_]+`, "a-b__c")
