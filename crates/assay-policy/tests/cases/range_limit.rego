package cloudsmith

match if count(numbers.range(1, 1000000000000)) > 0
