module lab/offline_pulumi/preloaded_client

go 1.25
