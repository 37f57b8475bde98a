"""Pictures in and out: what their files say, clean copies, exports, imports of whole folders."""
