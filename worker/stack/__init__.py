"""The local stack: real servers from wheels, started beside the program and gone with it."""
