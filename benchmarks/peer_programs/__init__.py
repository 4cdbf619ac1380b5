"""Programs that run in the peers' environment: each prints one JSON document on stdout."""
