"""Pictures, networks, files and command lines that tests share, and independent references."""
