"""Makes `python -m gamutcli` the same as `gamut`."""

from gamutcli.cli import main

if __name__ == "__main__":
    main()
