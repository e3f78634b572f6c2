"""The payload: its bytes, and how a picture file holds them."""
