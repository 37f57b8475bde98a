"""What clients of AUTOMATIC1111's web UI send and expect, `/sdapi/v1`, in this studio's own words. Pure."""
