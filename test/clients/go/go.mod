module headgate.dev/test/clients/go

go 1.21
