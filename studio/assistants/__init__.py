"""The studio for assistants: the Model Context Protocol, over a pipe or at `/mcp`. Needs `likeness[mcp]`.

Everything goes through REST, so an assistant can do what a script can, and less: it names pictures by id,
reads no file of this computer, and deletes nothing.
"""
