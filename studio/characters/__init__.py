"""Characters: who a portrait is of, with versions, blueprint, reference set, avatar, sheets and designs."""
