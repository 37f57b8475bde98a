"""How the bundled portrait model is made and measured; the studio never imports this package."""
