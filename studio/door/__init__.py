"""The door: who may come in when the studio is open to other computers. Knows nothing of pictures or jobs."""
