"""`python -m sra_cli` is `sra`."""
from .main import main

if __name__ == "__main__":
    main()
