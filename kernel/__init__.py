"""Pure Python that every floor stands on: periods, units, money, files of rows, refusals."""
