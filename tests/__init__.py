"""The tests of alertrouter: sentences with given, when, then."""
