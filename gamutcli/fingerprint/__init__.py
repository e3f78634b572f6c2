"""The fingerprint: do the pixels at hand still fit the payload, and how do they lie."""
