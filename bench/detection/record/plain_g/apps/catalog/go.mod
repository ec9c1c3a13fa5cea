module campus/catalog

go 1.27
