module lab/tools/preloaded

go 1.25
