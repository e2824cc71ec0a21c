"""`python -m alertrouter` is the command line."""

from alertrouter.cli import main

if __name__ == "__main__":
    main()
