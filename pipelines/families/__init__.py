"""Tables of the model families: what each can do in each mode. No torch; `registry` lists them."""
