"""Requests to erase records: leaving them out from now on, and saying what they have reached until then."""
