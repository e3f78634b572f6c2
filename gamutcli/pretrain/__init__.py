"""Pretraining: weights learned from many pictures, to start fits from."""
