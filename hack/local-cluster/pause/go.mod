module headgate.dev/hack/local-cluster/pause

go 1.26.0
