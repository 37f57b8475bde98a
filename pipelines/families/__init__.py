"""One file per model family; `pipelines.registry` lists them."""
