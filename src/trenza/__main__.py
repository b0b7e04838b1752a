"""`python -m trenza` is `trenza`."""

from trenza.cli import main

if __name__ == "__main__":
    main(prog_name="trenza")
