"""Facts and legal moves: frozen dataclasses and tables. No I/O, no clock; times are epoch microseconds."""
