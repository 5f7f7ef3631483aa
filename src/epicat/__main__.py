"""``python -m epicat``: the command ``epicat`` where that is not on the path."""

from epicat.cli.app import main

if __name__ == "__main__":
    main()
