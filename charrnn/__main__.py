"""Makes `python -m charrnn` the same as `charrnn`."""

from charrnn.cli.main import main

if __name__ == "__main__":
    main()
