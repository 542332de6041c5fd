"""A newsletter that writes itself: sources → articles → stories → an issue → messages → deliveries."""

__version__ = "0.1.0"
