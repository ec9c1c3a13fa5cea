module campus/tickets

go 1.27
