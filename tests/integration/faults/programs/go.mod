module initshim.dev/faults

go 1.19
