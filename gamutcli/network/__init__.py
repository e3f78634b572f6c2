"""The network: its shape, what it sees of a pixel, and how it predicts a residual."""
